"""The bench of pods on a containerd and an agent of its own: `python tests/bench/run.py`, as root."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.pods import Bench, NotDone, common, show
from support import containerd2, images
from support.agent import agent_process
from support.containerd import DEBIAN_BINARIES, RealRuntime
from support.runtime_view import RuntimeView


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").strip())
    parser.add_argument("--containerd", choices=["1.6", "2"], default="1.6", help="Debian 12's, or one with events")
    common(parser)
    options = parser.parse_args()
    binaries = DEBIAN_BINARIES if options.containerd == "1.6" else containerd2.binaries()
    with tempfile.TemporaryDirectory() as folder, RealRuntime(binaries, images.PAUSE) as runtime:
        for name, archive in images.write_archives(Path(folder)).items():
            runtime.load(archive, name)
        with (
            agent_process(Path(folder, "agent"), runtime.endpoint, runtime.cgroup_root) as agent,
            RuntimeView(runtime.endpoint) as view,
        ):
            bench = Bench(agent.pid, agent.manifests, view, images.BUSYBOX, options.timeout)
            try:
                show([bench.run(count, options.rest) for count in options.n], options.output)
            except NotDone as error:
                print(f"run.py: {error}\n{agent.output.read_text()}", file=sys.stderr)
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
