"""What the agent itself computes, on a runtime that takes no time: `python tests/bench/cost.py -n 100`, as root.

The runtime is another process, whose time is not counted. With --profile the agent's functions are listed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import cProfile
import json
import os
import pstats
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

import yaml
from aiohttp import web

from bench.pods import manifest, percentile, rss_mib
from kubenode.agent.config import load
from kubenode.agent.run import live
from kubenode.clients import cgroupfs
from kubenode.model.settings import Settings
from support.fake_cri import FakeCri
from support.fake_images import image
from support.images import BUSYBOX
from support.unix_http import get

HOST = "127.0.0.1"
POLL_SECONDS = 0.5
SETTLE_SECONDS = 3.0
LONGEST_SECONDS = 120.0
QUESTIONS = 10


async def serve(socket: Path) -> None:
    """Prints the port of an HTTP server that is always well, and is the runtime until the end of the input."""

    async def fine(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="fine")

    runner = web.ServerRunner(web.Server(fine))
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    async with FakeCri(socket, evented=False) as fake:
        fake.add_image(image(BUSYBOX))
        print(runner.addresses[0][1], flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@contextlib.contextmanager
def runtime(socket: Path) -> Iterator[int]:
    """The HTTP server's port."""
    command = [sys.executable, __file__, "--serve", str(socket)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def configured(folder: Path, socket: Path, cgroup_root: str) -> Settings:
    for name in ("manifests", "objects"):
        (folder / name).mkdir(mode=0o700)
    kubelet = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "staticPodPath": str(folder / "manifests"),
        "containerRuntimeEndpoint": f"unix://{socket}",
        "cgroupRoot": cgroup_root,
        "podLogsDir": str(folder / "logs"),
        "healthzPort": 0,
        "maxPods": 1000,
    }
    kubenode = {
        "apiVersion": "kubenode.io/v1alpha1",
        "kind": "KubenodeConfiguration",
        "nodeName": "benchnode",
        "rootDirectory": str(folder / "root"),
        "runDirectory": str(folder / "run"),
        "containerLogsDirectory": str(folder / "containers"),
        "localObjectsPath": str(folder / "objects"),
    }
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump_all([kubelet, kubenode]))
    return load(path)


def rich(pod: dict[str, Any], port: int) -> dict[str, Any]:
    """The pod with a readiness probe, a ConfigMap's volume and an emptyDir."""
    (container,) = pod["spec"]["containers"]
    container["readinessProbe"] = {"httpGet": {"host": HOST, "port": port, "path": "/"}, "periodSeconds": 10}
    container["volumeMounts"] = [
        {"name": "settings", "mountPath": "/etc/app"},
        {"name": "scratch", "mountPath": "/scratch"},
    ]
    pod["spec"]["volumes"] = [{"name": "settings", "configMap": {"name": "app"}}, {"name": "scratch", "emptyDir": {}}]
    return pod


def put(settings: Settings, count: int, port: int, *, is_rich: bool, pause: float) -> None:
    objects, manifests = Path(settings.kubenode.local_objects_path), Path(settings.kubelet.static_pod_path)
    data = {f"key{number}": "value\n" * 20 for number in range(5)}
    config_map = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "app"}, "data": data}
    (objects / "app.json").write_text(json.dumps(config_map))
    for number in range(count):
        pod: dict[str, Any] = manifest(f"bench-{number}", BUSYBOX)
        temporary = manifests / f".bench-{number}.json"
        temporary.write_text(json.dumps(rich(pod, port) if is_rich else pod))
        temporary.replace(manifests / f"bench-{number}.json")
        time.sleep(pause)


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def pods(settings: Settings) -> dict[str, Any]:
    return dict(json.loads(get(settings.admin_socket, "/v1/pods")))


def is_up(report: dict[str, Any], count: int) -> bool:
    up = [pod for pod in report["pods"] if pod["ready"] == pod["total"] > 0 and pod["settled"]]
    return bool(report["complete"]) and len(up) == count


async def until_up(settings: Settings, count: int) -> float:
    """Seconds that it took."""
    began = time.monotonic()
    async with asyncio.timeout(LONGEST_SECONDS):
        while True:
            with contextlib.suppress(OSError):
                if is_up(await asyncio.to_thread(pods, settings), count):
                    return time.monotonic() - began
            await asyncio.sleep(POLL_SECONDS)


async def asked(settings: Settings, path: str) -> str:
    """How long the agent takes to answer, in milliseconds."""
    took = []
    for _ in range(QUESTIONS):
        began = time.monotonic()
        await asyncio.to_thread(get, settings.admin_socket, path)
        took.append(1000 * (time.monotonic() - began))
    return f"{percentile(sorted(took), 50):.1f} ms"


async def measure(settings: Settings, port: int, options: argparse.Namespace) -> dict[str, str]:
    found: dict[str, str] = {}
    life = asyncio.create_task(live(settings, asyncio.Event()))
    await until_up(settings, 0)
    before = cpu_seconds()
    putting = asyncio.to_thread(put, settings, options.n, port, is_rich=options.rich, pause=options.pause)
    _, up = await asyncio.gather(putting, until_up(settings, options.n))
    found["all up"] = f"{up:.2f} s"
    await asyncio.sleep(SETTLE_SECONDS)
    found["CPU to start them"] = f"{cpu_seconds() - before:.2f} s"
    before = cpu_seconds()
    await asyncio.sleep(options.rest)
    found["CPU at rest"] = f"{100 * (cpu_seconds() - before) / options.rest:.2f} % of a core"
    found["resident memory"] = f"{rss_mib(os.getpid()):.1f} MiB"
    found["/v1/pods"] = await asked(settings, "/v1/pods")
    found["/v1/pods/<pod>"] = await asked(settings, "/v1/pods/default/bench-0-benchnode")
    life.cancel()
    await asyncio.wait([life])
    before = cpu_seconds()
    life = asyncio.create_task(live(settings, asyncio.Event()))
    found["start of the agent"] = f"{await until_up(settings, options.n):.2f} s"
    found["CPU to start it"] = f"{cpu_seconds() - before:.2f} s"
    life.cancel()
    await asyncio.wait([life])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("-n", type=int, default=100, help="pods at once")
    parser.add_argument("--rich", action="store_true", help="each with a readiness probe and two volumes")
    parser.add_argument("--pause", type=float, default=0.0, metavar="SECONDS", help="between two manifests")
    parser.add_argument("--rest", type=float, default=20.0, metavar="SECONDS", help="rest with all pods running")
    parser.add_argument("--profile", type=int, default=0, metavar="LINES", help="list so many functions")
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve(options.serve))
        return
    cgroup_root = f"/kubenode-bench-{os.getpid()}"
    profile = cProfile.Profile()
    with tempfile.TemporaryDirectory() as name, runtime(Path(name, "cri.sock")) as port:
        settings = configured(Path(name), Path(name, "cri.sock"), cgroup_root)
        try:
            with profile if options.profile else contextlib.nullcontext():
                found = asyncio.run(measure(settings, port, options))
        finally:
            asyncio.run(cgroupfs.remove(cgroup_root))
            shutil.rmtree(settings.kubenode.root_directory, ignore_errors=True)
    for what, value in found.items():
        print(f"{what:20} {value}")
    if options.profile:
        pstats.Stats(profile).sort_stats("tottime").print_stats(options.profile)


if __name__ == "__main__":
    main()
