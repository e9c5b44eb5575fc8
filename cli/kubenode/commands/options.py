"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from kubenode.model.settings import Settings


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    YAML = "yaml"


Config = Annotated[
    Path, typer.Option("--config", "-c", envvar="KUBENODE_CONFIG", help="The agent's configuration file.")
]
NodeName = Annotated[str, typer.Option("--node", help="The node to ask; this one, by its own name, for now.")]
Output = Annotated[Format, typer.Option("--output", "-o", help="A table for people, json or yaml for programs.")]
Query = Annotated[str, typer.Option("--query", help="A JMESPath expression on the output, e.g. 'pods[].name'.")]
CONFIG = Path("/etc/kubenode/config.yaml")


def settings_of(config: Path, node: str) -> Settings:
    """The settings of the node that is asked for. Raises ConfigurationError, NotThisNode."""
    from kubenode.agent.config import load
    from kubenode.clients.errors import KubenodeError

    settings = load(config)
    if node and not _is_this_node(settings, node):
        raise KubenodeError(
            f"--node {node}: only this node, {settings.node_name}, can be asked by this version. "
            f"Run the command on {node}, or roll it out with ansible-playbook."
        )
    return settings


def _is_this_node(settings: Settings, name: str) -> bool:
    from kubenode.agent.queries import is_this_node

    return is_this_node(settings, name)
