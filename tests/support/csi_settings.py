"""How the tests' CSI driver is to be: its options, and the capabilities that follow."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, field
from pathlib import Path

MIB = 1 << 20
GIB = 1 << 30
CONTROLLER = (
    *("CREATE_DELETE_VOLUME", "PUBLISH_UNPUBLISH_VOLUME", "LIST_VOLUMES", "GET_CAPACITY", "CREATE_DELETE_SNAPSHOT"),
    *("LIST_SNAPSHOTS", "CLONE_VOLUME", "PUBLISH_READONLY", "EXPAND_VOLUME", "LIST_VOLUMES_PUBLISHED_NODES"),
    *("VOLUME_CONDITION", "GET_VOLUME", "SINGLE_NODE_MULTI_WRITER", "MODIFY_VOLUME", "GET_SNAPSHOT"),
)
NODE = (
    *("STAGE_UNSTAGE_VOLUME", "GET_VOLUME_STATS", "EXPAND_VOLUME", "VOLUME_CONDITION", "SINGLE_NODE_MULTI_WRITER"),
    "VOLUME_MOUNT_GROUP",
)
PLUGIN = ("CONTROLLER_SERVICE", "GROUP_CONTROLLER_SERVICE", "VOLUME_ACCESSIBILITY_CONSTRAINTS", "ONLINE")


@dataclass(frozen=True)
class Settings:
    """Sizes in bytes. `without`: "node:STAGE_UNSTAGE_VOLUME" and the like."""

    endpoint: str
    root: Path
    node: str = "node-a"
    nodes: tuple[str, ...] = ()
    name: str = "directory.csi.kubenode.test"
    capacity: int = 10 * GIB
    largest: int = 4 * GIB
    topology: dict[str, str] = field(default_factory=lambda: {"topology.kubenode.test/zone": "a"})
    max_volumes: int = 0
    without: frozenset[str] = frozenset()
    secrets: dict[str, str] = field(default_factory=dict, repr=False)
    not_ready: int = 0
    snapshot_ready_after: int = 0
    keep: bool = False
    with_parent: bool = False

    @property
    def plugin(self) -> frozenset[str]:
        return self._without("plugin", PLUGIN)

    @property
    def controller(self) -> frozenset[str]:
        return self._without("controller", CONTROLLER)

    @property
    def node_can(self) -> frozenset[str]:
        return self._without("node", NODE)

    def _without(self, service: str, names: tuple[str, ...]) -> frozenset[str]:
        return frozenset(name for name in names if f"{service}:{name}" not in self.without)


def parse(arguments: list[str]) -> tuple[Settings, bool]:
    """The settings, and whether only to clean up."""
    parser = argparse.ArgumentParser(description="A strict CSI driver whose volumes are directories, for tests.")
    parser.add_argument("--endpoint", required=True, help="unix:///path/of/its/socket")
    parser.add_argument("--root", required=True, type=Path, help="its directory; volumes and state live there")
    parser.add_argument("--node", default="node-a", help="the id of its node")
    parser.add_argument("--other-node", action="append", default=[], help="another node that exists")
    parser.add_argument("--name", default=Settings.name)
    parser.add_argument("--capacity", type=int, default=Settings.capacity, help="bytes in all")
    parser.add_argument("--largest", type=int, default=Settings.largest, help="bytes of one volume")
    parser.add_argument("--topology", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--max-volumes", type=int, default=0, help="attached to one node; 0: any number")
    parser.add_argument(
        "--without", action="append", default=[], metavar="SERVICE:CAPABILITY", help="node:STAGE_UNSTAGE_VOLUME"
    )
    parser.add_argument("--secrets-file", type=Path, help="JSON: the secrets that calls must bring")
    parser.add_argument("--not-ready", type=int, default=0, help="how many times Probe says that it is not ready")
    parser.add_argument("--snapshot-ready-after", type=int, default=0, help="how many more answers until it is ready")
    parser.add_argument("--keep", action="store_true", help="mounts and root stay when it ends")
    parser.add_argument("--with-parent", action="store_true", help="it ends when the one who started it does")
    parser.add_argument("--clean", action="store_true", help="only unmount and remove what an earlier one left")
    given = parser.parse_args(arguments)
    topology = dict(one.split("=", 1) for one in given.topology)
    settings = Settings(
        endpoint=given.endpoint,
        root=given.root.resolve(),
        node=given.node,
        nodes=(given.node, *given.other_node),
        name=given.name,
        capacity=given.capacity,
        largest=given.largest,
        max_volumes=given.max_volumes,
        without=frozenset(given.without),
        secrets=json.loads(given.secrets_file.read_text()) if given.secrets_file else {},
        not_ready=given.not_ready,
        snapshot_ready_after=given.snapshot_ready_after,
        keep=given.keep,
        with_parent=given.with_parent,
        **({"topology": topology} if topology else {}),
    )
    return settings, given.clean
