"""Around every call of the tests' CSI driver: it is checked, written down, and made to fail, wait or kill as told.

control.json in the driver's root says what goes wrong, for each call a list that is worked off from its front:

    {"NodeStageVolume": [{"code": "ABORTED", "message": "busy", "times": 2},
                         {"delay": 0.5}, {"after": true, "code": "DEADLINE_EXCEEDED"}, {"after": true, "kill": true}]}

`after`: it is done first, and then fails. `delay`: seconds before it answers, while the operation is pending. `hold`: a
file; until that is there the operation is pending.
calls.jsonl has a line for each call when it ends: its name, its request (of secrets only the names) and its code.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import msgspec
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc import StatusCode

from kubenode.clients.disk import write_atomic
from kubenode.clients.stubs import csi_pb2 as pb
from support.csi_checks import check
from support.csi_settings import Settings
from support.csi_store import Store
from support.fake_server import Refused

Method = Callable[[Message], Message]
Context = grpc.ServicerContext


class Fault(msgspec.Struct, omit_defaults=True):
    code: str = ""
    message: str = "told to fail"
    times: int = 1
    delay: float = 0.0
    hold: str = ""
    after: bool = False
    kill: bool = False

    def strike(self) -> None:
        if self.kill:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.code:
            raise Refused(StatusCode[self.code], self.message)


Faults = dict[str, list[Fault]]


def inject(root: Path, call: str, *faults: Fault) -> None:
    """Let the next calls of that name fail so, after what is already told."""
    told = read(root)
    told.setdefault(call, []).extend(faults)
    write_atomic(root / "control.json", msgspec.json.encode(told), durable=False)


def read(root: Path) -> Faults:
    try:
        return msgspec.json.decode((root / "control.json").read_bytes(), type=Faults)
    except FileNotFoundError:
        return {}


class Control(grpc.GenericRpcHandler):
    """Serves the methods of `services`, by the service's name: one named like the RPC in snake case."""

    def __init__(self, settings: Settings, store: Store, services: dict[str, object]) -> None:
        self.settings = settings
        self.store = store
        self.services = services
        self.lock = threading.Lock()

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[Any, Any] | None:
        name, rpc = details.method.removeprefix("/csi.v1.").split("/", 1)
        method = getattr(self.services.get(name), re.sub(r"(?<=[a-z])(?=[A-Z])", "_", rpc).lower(), None)
        if method is None:
            return None
        descriptor = pb.DESCRIPTOR.services_by_name[name].methods_by_name[rpc]
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._answer(rpc, method, request, context),
            request_deserializer=GetMessageClass(descriptor.input_type).FromString,
            response_serializer=GetMessageClass(descriptor.output_type).SerializeToString,
        )

    def _answer(self, name: str, method: Method, request: Message, context: Context) -> Message:
        code, detail = StatusCode.OK, ""
        try:
            return self._do(name, method, request)
        except Refused as refused:
            code, detail = refused.code, refused.detail
        except OSError as error:
            code, detail = StatusCode.INTERNAL, str(error)
        finally:
            self._write_down(name, request, code)
        return context.abort(code, detail)

    def _do(self, name: str, method: Method, request: Message) -> Message:
        fault = self._next_fault(name)
        if fault is None or fault.after:
            check(name, request, self.settings)
            answer = method(request)
            if fault is not None:
                time.sleep(fault.delay)
                fault.strike()
            return answer
        if fault.code or fault.kill:
            time.sleep(fault.delay)
            fault.strike()
        check(name, request, self.settings)
        self.store.slow.seconds, self.store.slow.hold = fault.delay, fault.hold
        answer = method(request)
        self.store.wait()
        return answer

    def _next_fault(self, name: str) -> Fault | None:
        with self.lock:
            told = read(self.settings.root)
            faults = told.get(name, [])
            if not faults:
                return None
            fault = faults[0]
            fault.times -= 1
            if fault.times <= 0:
                faults.pop(0)
            write_atomic(self.settings.root / "control.json", msgspec.json.encode(told), durable=False)
        return fault

    def _write_down(self, name: str, request: Message, code: StatusCode) -> None:
        shown = json_format.MessageToDict(request, preserving_proto_field_name=True)
        if "secrets" in shown:
            shown["secrets"] = dict.fromkeys(shown["secrets"], "***")
        line = json.dumps({"call": name, "request": shown, "code": code.name})
        with self.lock, (self.settings.root / "calls.jsonl").open("a") as file:
            file.write(line + "\n")
