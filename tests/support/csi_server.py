"""The tests' CSI driver as a server: it begins with what an earlier one left, and takes all away when it ends."""

from __future__ import annotations

import ctypes
import shutil
import signal
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import grpc

from support.csi_control import Control
from support.csi_controller import Controller
from support.csi_groups import GroupController
from support.csi_identity import Identity
from support.csi_node import Node
from support.csi_settings import Settings, parse
from support.csi_store import Store

THREADS = 16
GRACE = 5.0  # seconds
PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> int:
    # Blocked before any thread begins, so that sigwait alone hears of them.
    ends = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)
    settings, only_clean = parse(arguments)
    socket = Path(settings.endpoint.removeprefix("unix://"))
    store = Store(settings.root)
    if only_clean:
        clean(store, socket)
        return 0
    if settings.with_parent:
        end_with_parent()
    server = grpc.server(ThreadPoolExecutor(THREADS))
    server.add_generic_rpc_handlers((Control(settings, store, services(settings, store)),))
    socket.unlink(missing_ok=True)
    server.add_insecure_port(f"unix:{quote(str(socket))}")
    server.start()
    print("serving", flush=True)
    signal.sigwait(ends)
    server.stop(GRACE).wait()
    if not settings.keep:
        clean(store, socket)
    return 0


def end_with_parent() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def services(settings: Settings, store: Store) -> dict[str, object]:
    served: dict[str, object] = {"Identity": Identity(settings), "Node": Node(settings, store)}
    if "CONTROLLER_SERVICE" in settings.plugin:
        served["Controller"] = Controller(settings, store)
    if "GROUP_CONTROLLER_SERVICE" in settings.plugin:
        served["GroupController"] = GroupController(settings, store)
    return served


def clean(store: Store, socket: Path) -> None:
    store.unmount_all()
    socket.unlink(missing_ok=True)
    shutil.rmtree(store.root)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
