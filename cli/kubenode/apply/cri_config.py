"""Parts of the CRI's own messages that a user wrote: read strictly, and merged into what the options come to."""

from __future__ import annotations

import base64
import difflib
from collections.abc import Mapping
from typing import Any, TypeVar, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from kubenode.clients.errors import KubenodeError
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.cri_definitions import ContainerDefinition, PodDefinition

_Kind = TypeVar("_Kind", bound=Message)
_Config = TypeVar("_Config", pb.PodSandboxConfig, pb.ContainerConfig)
# What has an option of its own, which also says which object it is.
_ELSEWHERE = {
    pb.PodSandboxConfig: {"metadata": "name, namespace and uid"},
    pb.ContainerConfig: {"metadata": "name", "image": "image"},
}


class ConfigError(KubenodeError):
    """The sentence begins with the path of what cannot be used."""


def canonical_config(kind: type[_Kind], config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The same for the same meaning: names in snake case, defaults left out. Raises ConfigError.

    Values of variables are text, as in what crictl reads.
    """
    return json_format.MessageToDict(_parsed(kind, config, where), preserving_proto_field_name=True) if config else {}


def sandbox_part(definition: PodDefinition) -> dict[str, Any]:
    return canonical_config(pb.PodSandboxConfig, definition.config, "config")


def container_part(definition: ContainerDefinition, index: int) -> dict[str, Any]:
    return canonical_config(pb.ContainerConfig, definition.config, f"containers[{index}].config")


def merge(message: _Config, config: Mapping[str, Any]) -> None:
    """Merges a canonical config: values replace, lists are added to, maps and messages are merged."""
    if not config:
        return
    given = json_format.ParseDict(dict(config), type(message)())
    message.MergeFrom(given)
    # Of the modes POD is 0, which in a merge is nothing; a mapping means it.
    users = given.linux.security_context.namespace_options.userns_options
    if users.uids or users.gids:
        message.linux.security_context.namespace_options.userns_options.CopyFrom(users)


def _parsed(kind: type[_Kind], config: Mapping[str, Any], where: str) -> _Kind:
    message = kind()
    _check_names(config, cast("Descriptor", message.DESCRIPTOR), where)
    for field, option in _ELSEWHERE.get(kind, {}).items():
        if field in config:
            raise ConfigError(f"{where}.{field}: the task's own options say this: set {option} there.")
    variables = _variables(config, where)
    try:
        return json_format.ParseDict({**config, **variables}, message)
    except (json_format.ParseError, ValueError, TypeError) as error:
        first = " ".join(str(error).split("Available Fields", maxsplit=1)[0].split()).rstrip(". ")
        raise ConfigError(f"{where}: this is no {kind.DESCRIPTOR.name} of the CRI: {first}.") from None


def _check_names(value: Any, descriptor: Descriptor, where: str) -> None:
    """json_format names the message that lacks a field; here the path to it is told, and what may be meant."""
    if not isinstance(value, Mapping):
        return
    known = {name: field for field in descriptor.fields for name in (field.name, field.json_name)}
    for name, inner in value.items():
        field = known.get(name)
        if field is None:
            near = difflib.get_close_matches(str(name), [one.name for one in descriptor.fields], n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            raise ConfigError(f"{where}.{name}: {descriptor.name} of the CRI has no such field.{meant}")
        _check_inner(inner, field, f"{where}.{name}")


def _check_inner(inner: Any, field: FieldDescriptor, where: str) -> None:
    if field.message_type is None or field.message_type.GetOptions().map_entry:
        return
    for index, one in enumerate(inner if isinstance(inner, list) else []):
        _check_names(one, field.message_type, f"{where}[{index}]")
    _check_names(inner, field.message_type, where)


def _variables(config: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The variables with their values as bytes. What is wrong with them is told here, without a value."""
    if "envs" not in config:
        return {}
    variables = config["envs"]
    if not isinstance(variables, list) or not all(map(_is_variable, variables)):
        raise ConfigError(f"{where}.envs: write a list of variables, each with key and value, both text.")
    return {
        "envs": [
            {"key": one.get("key", ""), "value": base64.b64encode(one.get("value", "").encode()).decode()}
            for one in variables
        ]
    }


def _is_variable(variable: Any) -> bool:
    return isinstance(variable, Mapping) and all(isinstance(part, str) for part in variable.values())
