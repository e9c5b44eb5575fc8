"""An upstream kubelet on this node: where it takes its pods from, as its process and its configuration say."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from kubenode.plan.kubelet_config import merge

# Where kubeadm and most distributions put it; kubelets that are told no other read none.
DEFAULT_CONFIGURATION = Path("/var/lib/kubelet/config.yaml")
DEFAULT_ROOT = "/var/lib/kubelet"


@dataclass(frozen=True, slots=True)
class Kubelet:
    """pid: None where only its configuration was found

    configuration: its file; None where it has none
    static_pod_path, runtime_endpoint, image_endpoint: empty where nothing tells
    node_name: as its pods' names end
    fields: of its configuration, drop-in files merged, without what flags say
    """

    pid: int | None
    configuration: Path | None
    node_name: str
    static_pod_path: str = ""
    runtime_endpoint: str = ""
    image_endpoint: str = ""
    root_directory: str = DEFAULT_ROOT
    fields: Mapping[str, Any] = field(default_factory=dict)


def kubelet(pid: int | None, proc: Path = Path("/proc"), default: Path = DEFAULT_CONFIGURATION) -> Kubelet | None:
    """The kubelet of this process, or that of the configuration in the usual place; None where there is neither.

    Flags go before the configuration, as for the kubelet itself. What cannot be read is as if it were not there.
    """
    place = proc / str(pid) if pid is not None else None
    flags = flags_of(_command_line(place)) if place else {}
    told = flags.get("config", "")
    configuration = _from(place, told) if place and told else default if default.is_file() else None
    if place is None and configuration is None:
        return None
    fields = _document(configuration) if configuration else {}
    for drop_in in _drop_ins(place, flags.get("config-dir", "")):
        fields = merge(fields, _document(drop_in))
    name = flags.get("hostname-override", "").strip() or socket.gethostname()
    return Kubelet(
        pid,
        configuration,
        name.lower(),
        static_pod_path=flags.get("pod-manifest-path", "") or _text(fields, "staticPodPath"),
        runtime_endpoint=flags.get("container-runtime-endpoint", "") or _text(fields, "containerRuntimeEndpoint"),
        image_endpoint=flags.get("image-service-endpoint", "") or _text(fields, "imageServiceEndpoint"),
        root_directory=flags.get("root-dir", "") or DEFAULT_ROOT,
        fields=fields,
    )


def flags_of(arguments: Sequence[str]) -> dict[str, str]:
    """Flags with values, written as --name=value or --name value; of one that stands twice the last."""
    found: dict[str, str] = {}
    for index, argument in enumerate(arguments):
        if not argument.startswith("--"):
            continue
        name, equals, value = argument[2:].partition("=")
        follows = arguments[index + 1] if index + 1 < len(arguments) else ""
        if equals:
            found[name] = value
        elif follows and not follows.startswith("-"):
            found[name] = follows
    return found


def _command_line(place: Path) -> list[str]:
    try:
        return (place / "cmdline").read_bytes().decode(errors="replace").rstrip("\0").split("\0")
    except OSError:
        return []


def _from(place: Path, path: str) -> Path:
    """A path as the process means it."""
    if Path(path).is_absolute():
        return Path(path)
    try:
        return (place / "cwd").readlink() / path
    except OSError:
        return Path("/", path)


def _drop_ins(place: Path | None, directory: str) -> Iterator[Path]:
    if place and directory:
        yield from sorted(_from(place, directory).glob("*.conf"))


def _document(path: Path) -> dict[str, Any]:
    try:
        value = yaml.load(path.read_bytes(), yaml.CSafeLoader)
    except (OSError, yaml.YAMLError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(fields: Mapping[str, Any], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
