"""What hundreds of probes cost the process that asks them: `python tests/bench/probes.py -n 300 --period 1 10`.

The servers are another process, whose time is not counted.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

from aiohttp import web
from grpc import aio, method_handlers_generic_handler, unary_unary_rpc_method_handler

from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import health_pb2 as health
from kubenode.model.names import PodKey
from kubenode.model.observed import ProbeKind, ProbeState
from kubenode.model.probes import Probe
from kubenode.model.specs import HttpHook
from kubenode.observe.probing import Prober
from kubenode.plan.probes import Check, GrpcCheck, ProbeTarget, TcpCheck

HOST = "127.0.0.1"


async def serve() -> None:
    """Prints the ports of an HTTP and a gRPC server, and serves until the end of the input."""

    async def fine(_request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="fine")

    async def serving(_request: bytes, _context: object) -> bytes:
        return health.HealthCheckResponse(status=health.HealthCheckResponse.SERVING).SerializeToString()

    runner = web.ServerRunner(web.Server(fine))
    await runner.setup()
    await web.TCPSite(runner, HOST, 0).start()
    server = aio.server()
    methods: dict[str, Any] = {"Check": unary_unary_rpc_method_handler(serving)}
    server.add_generic_rpc_handlers((method_handlers_generic_handler("grpc.health.v1.Health", methods),))
    grpc_port = server.add_insecure_port(f"{HOST}:0")
    await server.start()
    print(runner.addresses[0][1], grpc_port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await server.stop(None)
    await runner.cleanup()


@contextlib.contextmanager
def servers() -> Iterator[tuple[int, int]]:
    """The ports of an HTTP and a gRPC server."""
    command = [sys.executable, __file__, "--serve"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        http, grpc = process.stdout.readline().split()
        yield int(http), int(grpc)


def cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


async def measure(check: Check, number: int, period: int, seconds: float) -> tuple[float, int]:
    """Percent of one core, and how many of the probes have passed."""
    key = PodKey("bench", "probes")
    async with CriClient("/run/absent.sock") as cri:
        prober = Prober(cri, lambda _key: None, time.time)
        probe = Probe(period_seconds=period)
        # Older than the prober, so that they spread over the period.
        targets = [
            ProbeTarget(f"c{n}", "app", ProbeKind.LIVENESS, probe, check, 0.0, ProbeState()) for n in range(number)
        ]
        task = asyncio.create_task(prober.run())
        prober.watch(key, tuple(targets))
        await asyncio.sleep(period + 1)
        before, began = cpu_seconds(), time.monotonic()
        await asyncio.sleep(seconds)
        percent = 100 * (cpu_seconds() - before) / (time.monotonic() - began)
        passed = sum(states[ProbeKind.LIVENESS].passed is True for states in prober.states(key).values())
        task.cancel()
        await asyncio.wait([task])
    return percent, passed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-n", type=int, default=300, help="probes at once")
    parser.add_argument("--period", type=int, nargs="+", default=[10, 1], help="seconds")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each is measured")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
        return
    print(f"{'probe':6} {'probes':>6} {'period':>6} {'passed':>6} {'cpu % of a core':>15} {'ms a probe':>10}")
    with servers() as (http, grpc):
        kinds: dict[str, Check] = {
            "http": HttpHook("HTTP", HOST, http, "/healthz"),
            "tcp": TcpCheck(HOST, http),
            "grpc": GrpcCheck(HOST, grpc, ""),
        }
        for kind, check in kinds.items():
            for period in options.period:
                percent, passed = asyncio.run(measure(check, options.n, period, options.seconds))
                each = 10 * percent * period / options.n
                print(f"{kind:6} {options.n:6} {period:6} {passed:6} {percent:15.1f} {each:10.2f}", flush=True)


if __name__ == "__main__":
    main()
