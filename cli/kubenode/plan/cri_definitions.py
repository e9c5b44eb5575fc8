"""What a sandbox or a container was made from, as plain values that can be kept and compared.

Values of variables are replaced by digests: whether one changed can be seen, what it is cannot.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from kubenode.model import names
from kubenode.model.cri_definitions import ContainerDefinition, Definition, PodDefinition, ResourceOptions
from kubenode.model.names import PodKey
from kubenode.model.quantity import format_quantity, parse_quantity
from kubenode.model.requests import CPU

DIGITS = 16
RESOURCES = "resources"
# What an existing container is stopped by, not what it is made from.
_NOT_OF_IT = ("stop_grace_seconds",)
Plain = dict[str, Any]


def digest(salt: str, name: str, value: str) -> str:
    """Differs with the salt, the variable's name and its value."""
    text = f"{name}\0{value}".encode()
    return f"sha256:{hmac.new(salt.encode(), text, hashlib.sha256).hexdigest()[:DIGITS]}"


def pod_definition(key: PodKey, definition: PodDefinition, config: Mapping[str, Any]) -> Plain:
    """`config` is the definition's own, in its canonical form."""
    plain = _plain(definition)
    return {**plain, **_of_config(config, ""), "name": key.name, "namespace": key.namespace}


def container_definition(definition: ContainerDefinition, config: Mapping[str, Any], salt: str) -> Plain:
    """`config` is the definition's own, in its canonical form. Raises ValueError for a quantity that is none."""
    plain = _plain(definition)
    for name in _NOT_OF_IT:
        plain.pop(name, None)
    if definition.env:
        plain["env"] = {name: digest(salt, name, str(value)) for name, value in definition.env.items()}
    for name in ("command", "args"):
        if name in plain:
            plain[name] = [str(word) for word in plain[name]]
    if resources := canonical_resources(definition.resources):
        plain[RESOURCES] = resources
    else:
        plain.pop(RESOURCES, None)
    return {**plain, **_of_config(config, salt)}


def canonical_resources(resources: ResourceOptions) -> Plain:
    """Each amount in one spelling: 0.5 and 500m are the same. Raises ValueError."""
    plain = _plain(resources)
    for part, quantities in (("requests", resources.requests), ("limits", resources.limits)):
        if quantities:
            plain[part] = {name: _quantity(name, amount) for name, amount in quantities.items()}
    return plain


def to_annotation(definition: Mapping[str, Any], salt: str = "") -> str:
    return json.dumps({"definition": definition, "salt": salt}, sort_keys=True, separators=(",", ":"))


def from_annotation(annotations: Mapping[str, str]) -> tuple[Plain | None, str]:
    """Definition and salt; None where there is no annotation, or one that somebody spoilt."""
    try:
        kept = json.loads(annotations.get(names.DEFINITION, ""))
        return dict(kept["definition"]), str(kept["salt"])
    except (ValueError, TypeError, KeyError):
        return None, ""


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The options in which two definitions differ."""
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


def listed(words: Iterable[str]) -> str:
    """`image`, or `env and image`, as people write it."""
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _plain(definition: Definition) -> Plain:
    """Without defaults, also those that were written out; numbers where texts belong are texts."""
    plain: Plain = {}
    for field in msgspec.structs.fields(type(definition)):
        value = getattr(definition, field.name)
        if field.name != "config" and value != _default(field):
            plain[field.name] = _value(value)
    return plain


def _default(field: msgspec.structs.FieldInfo) -> Any:
    """NODEFAULT, which equals no value, for one that has to be set."""
    return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()


def _value(value: Any) -> Any:
    if isinstance(value, Definition):
        return _plain(value)
    if isinstance(value, Mapping):
        return {name: str(one) for name, one in value.items()}
    return [_value(one) for one in value] if isinstance(value, list) else value


def _of_config(config: Mapping[str, Any], salt: str) -> Plain:
    if not config:
        return {}
    kept = dict(config)
    if envs := kept.get("envs"):
        kept["envs"] = {one.get("key", ""): digest(salt, one.get("key", ""), one.get("value", "")) for one in envs}
    return {"config": kept}


def _quantity(name: str, amount: str | int | float) -> str:
    return format_quantity(parse_quantity(amount), binary=name != CPU)
