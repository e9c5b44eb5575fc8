"""The bench of pods on a containerd and an agent of its own: `python tests/bench/run.py`, as root."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.bare import latencies
from bench.pods import Bench, NotDone, Result, common, percentile, show
from kubenode.model.settings import KubenodeConfiguration
from support import containerd2, images
from support.agent import agent_process
from support.containerd import DEBIAN_BINARIES, RealRuntime
from support.runtime_view import RuntimeView

PARALLEL = KubenodeConfiguration().max_parallel_pod_starts


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--containerd", choices=["1.6", "2"], default="1.6", help="Debian 12's, or one with events")
    common(parser)
    options = parser.parse_args()
    results: list[dict[str, float]] = []
    binaries = DEBIAN_BINARIES if options.containerd == "1.6" else containerd2.binaries()
    with tempfile.TemporaryDirectory() as folder, RealRuntime(binaries, images.PAUSE) as runtime:
        for name, archive in images.write_archives(Path(folder)).items():
            runtime.load(archive, name)
        with (
            agent_process(Path(folder, "agent"), runtime.endpoint, runtime.cgroup_root, runtime.pid) as agent,
            RuntimeView(runtime.endpoint) as view,
        ):
            bench = Bench(agent.pid, agent.manifests, view, images.BUSYBOX, options.timeout)
            try:
                for count in options.n:
                    logs = Path(tempfile.mkdtemp(dir=folder))
                    bare = asyncio.run(latencies(runtime.endpoint, runtime.cgroup_root, logs, count, PARALLEL))
                    results.append(beside(bench.run(count, options.rest), bare))
            except NotDone as error:
                print(f"run.py: {error}\n{agent.output.read_text()}", file=sys.stderr)
                return 1
    show(results, options.output)
    return 0


def beside(result: Result, bare: list[float]) -> dict[str, float]:
    """The agent's result, and how many times as long as the bare runtime it took."""
    ratios = {"p50_to_bare": result.p50 / percentile(bare, 50), "max_to_bare": result.max / bare[-1]}
    return asdict(result) | ratios


if __name__ == "__main__":
    sys.exit(main())
