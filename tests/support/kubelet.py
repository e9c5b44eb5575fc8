"""Stands for an upstream kubelet: a process of that name which runs static pods, by kubenode's agent.

    KUBELET --config FILE [--hostname-override NAME] --agent CONFIGURATION

KUBELET is a copy of this file of that name, with an interpreter in its first line. The flags are for whoever looks at
the process; the agent goes by its own configuration, and does not mind that a kubelet runs.
"""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from kubenode.agent import main as agent


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", type=Path, required=True)
    known, _ = parser.parse_known_args()
    vars(agent)["refuse_beside_kubelet"] = lambda: None
    asyncio.run(agent.run(known.agent))


if __name__ == "__main__":
    main()
