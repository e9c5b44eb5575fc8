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
RuntimeEndpoint = Annotated[
    str, typer.Option("--runtime-endpoint", help="The runtime's socket, instead of the configuration's.")
]
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


def looking_settings(config: Path, node: str, endpoint: str) -> Settings:
    """The same for commands that need no agent. Raises KubenodeError.

    Where only the upstream kubelet runs there is no such file; the runtime is looked for. endpoint: named by hand.
    """
    import socket

    import msgspec

    from kubenode.model.settings import Settings

    if node or config != CONFIG or config.exists():
        settings = settings_of(config, node)
    else:
        settings = Settings(node_name=socket.gethostname().lower())
    if not endpoint:
        return settings
    kubelet = msgspec.structs.replace(settings.kubelet, container_runtime_endpoint=endpoint)
    return msgspec.structs.replace(settings, kubelet=kubelet)


def _is_this_node(settings: Settings, name: str) -> bool:
    from kubenode.agent.queries import is_this_node

    return is_this_node(settings, name)
