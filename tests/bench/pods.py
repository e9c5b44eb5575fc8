"""How fast an agent starts static pods, and what it costs while they run. It measures; it judges nothing.

Works with any agent that runs static pods from a directory: pods are recognised by the labels that all agents set.
Run it as root, on a node whose work may be disturbed, with an image that is on the node and sleeps.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import grpc

from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model import names
from support.runtime_view import RuntimeView

POLL_SECONDS = 0.25
# After the last start an agent still has statuses to read.
SETTLE_SECONDS = 5.0
TICKS = os.sysconf("SC_CLK_TCK")


class NotDone(Exception):
    """The agent did not do it in time."""


@dataclass(frozen=True)
class Result:
    """Latencies in seconds from a file's move into place to its container's start as the runtime tells it.

    CPU in seconds of one core, from the first file until all pods run and the agent has settled; idle CPU in per cent
    of one core with all pods at rest; memory in MiB, resident, at the end of that rest.
    """

    pods: int
    p50: float
    p90: float
    p99: float
    max: float
    pods_per_second: float
    agent_cpu_seconds: float
    idle_cpu_percent: float
    agent_rss_mib: float


@dataclass(frozen=True)
class Bench:
    """An agent by its process id, its directory of manifests, and its runtime."""

    pid: int
    manifests: Path
    view: RuntimeView
    image: str
    timeout: float

    def run(self, count: int, rest_seconds: float) -> Result:
        """Start so many pods, let them rest, remove them. Raises NotDone."""
        prefix = f"bench-{os.getpid()}"
        cpu = cpu_seconds(self.pid)
        with self._manifests(prefix, count) as moved:
            latencies = self._await_starts(moved)
            first, last = min(moved.values()), max(moved[name] + latencies[name] for name in moved)
            time.sleep(SETTLE_SECONDS)
            started = cpu_seconds(self.pid)
            time.sleep(rest_seconds)
            idle = cpu_seconds(self.pid) - started
            rss = rss_mib(self.pid)
        self._await_end(prefix)
        ordered = sorted(latencies.values())
        return Result(
            pods=count,
            p50=percentile(ordered, 50),
            p90=percentile(ordered, 90),
            p99=percentile(ordered, 99),
            max=ordered[-1],
            pods_per_second=count / (last - first),
            agent_cpu_seconds=started - cpu,
            idle_cpu_percent=100 * idle / rest_seconds,
            agent_rss_mib=rss,
        )

    @contextmanager
    def _manifests(self, prefix: str, count: int) -> Iterator[dict[str, float]]:
        """Move the manifests in, and out again in the end; when each came in, by its pod's name."""
        paths = [self.manifests / f"{prefix}-{number}.json" for number in range(count)]
        try:
            yield {path.stem: self._move_in(path) for path in paths}
        finally:
            for path in paths:
                path.unlink(missing_ok=True)

    def _move_in(self, path: Path) -> float:
        temporary = path.with_name(f".{path.name}")
        temporary.write_text(json.dumps(manifest(path.stem, self.image)))
        now = time.time()
        temporary.replace(path)
        return now

    def _await_starts(self, moved: dict[str, float]) -> dict[str, float]:
        """The latency of each pod, by its name, when all run."""
        deadline = time.monotonic() + self.timeout
        while len(running := self._running(moved)) < len(moved):
            if time.monotonic() > deadline:
                raise NotDone(f"{len(running)} of {len(moved)} pods run after {self.timeout:g} s; see the agent's log")
            time.sleep(POLL_SECONDS)
        return {
            name: self.view.status(container_id).started_at / 1e9 - moved[name]
            for name, container_id in running.items()
        }

    def _running(self, moved: dict[str, float]) -> dict[str, str]:
        """The id of each pod's running container. An agent names a static pod `<name>-<node name>`."""
        found: dict[str, str] = {}
        for container in self.view.containers():
            name = "-".join(container.labels.get(names.POD_NAME, "").split("-")[:3])
            if name in moved and container.state == pb.CONTAINER_RUNNING:
                found[name] = container.id
        return found

    def _await_end(self, prefix: str) -> None:
        deadline = time.monotonic() + self.timeout
        while left := [one for one in self.view.sandboxes() if one.metadata.name.startswith(f"{prefix}-")]:
            if time.monotonic() > deadline:
                raise NotDone(f"{len(left)} pods are left {self.timeout:g} s after their files; see the agent's log")
            time.sleep(POLL_SECONDS)


def manifest(name: str, image: str) -> dict[str, object]:
    container = {
        "name": "app",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 2147483647 & wait"],
    }
    spec = {"containers": [container], "terminationGracePeriodSeconds": 2}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest value that so many per cent do not exceed."""
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def cpu_seconds(pid: int) -> float:
    """What a process has used, in user and kernel mode, with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    (kib,) = [line.split()[1] for line in status if line.startswith("VmRSS:")]
    return int(kib) / 1024


def show(results: Sequence[Mapping[str, float]], output: str) -> None:
    """A table with a line a result, or all as JSON."""
    if output == "json":
        print(json.dumps(results, indent=2))
        return
    print("  ".join(results[0]))
    for result in results:
        print("  ".join(f"{value:{len(name)}.{0 if name == 'pods' else 2}f}" for name, value in result.items()))


def common(parser: argparse.ArgumentParser) -> None:
    """The options that measuring has, wherever the agent comes from."""
    parser.add_argument("-n", type=int, nargs="+", default=[30], metavar="PODS", help="pods at once, one run each (30)")
    parser.add_argument("--rest", type=float, default=30.0, metavar="SECONDS", help="rest with all pods running (30)")
    parser.add_argument("--timeout", type=float, default=300.0, metavar="SECONDS", help="most for start or end (300)")
    parser.add_argument("-o", "--output", choices=["table", "json"], default="table")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pid", type=int, required=True, help="the agent's process id")
    parser.add_argument("--manifests", type=Path, required=True, help="its staticPodPath")
    parser.add_argument("--endpoint", default="unix:///run/containerd/containerd.sock", help="its runtime's socket")
    parser.add_argument("--image", default="kubenode.test/busybox:1", help="an image with sh and sleep, on the node")
    common(parser)
    options = parser.parse_args()
    with RuntimeView(options.endpoint) as view:
        bench = Bench(options.pid, options.manifests, view, options.image, options.timeout)
        try:
            show([asdict(bench.run(count, options.rest)) for count in options.n], options.output)
        except (NotDone, OSError) as error:
            print(f"pods.py: {error}", file=sys.stderr)
            return 1
        except grpc.RpcError as error:
            print(f"pods.py: the runtime at {options.endpoint} does not answer: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
