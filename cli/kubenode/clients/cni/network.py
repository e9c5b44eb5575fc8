"""A network: a list of plugins, as it stands in a file. Pure.

CNI 1.1, "Network configuration format".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from kubenode.clients.cni import documents, versions
from kubenode.clients.cni.errors import NetworkError

Json = dict[str, Any]
NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]*")
_NAME_RULE = "Use letters, digits, '_', '.' and '-', and begin with a letter or digit."
_VERSION_RULE = f"Use a version such as {versions.LATEST}."
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class Plugin:
    """One plugin of a network.

    type: the name of its binary
    configuration: all of its object, also the keys that nobody here knows
    capabilities: those that it declares as true
    """

    type: str
    configuration: Mapping[str, Any]
    capabilities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Network:
    """A network list.

    file: where it was read, for messages
    version: of CNI, the one to speak
    document: what the cache keeps of it, a list that says the same
    inlined: no plugins are added from the directory of the network's name
    """

    name: str
    file: str
    version: str
    plugins: tuple[Plugin, ...]
    document: bytes
    disable_check: bool = False
    disable_gc: bool = False
    inlined: bool = False

    @property
    def capabilities(self) -> frozenset[str]:
        """Those that any of its plugins declares."""
        return frozenset[str]().union(*(plugin.capabilities for plugin in self.plugins))

    def speaks(self, version: str) -> bool:
        """Whether its version is this or a later one."""
        return versions.at_least(self.version, version)


def parse_list(data: bytes, file: str) -> Network:
    """A *.conflist. It may have no plugins where they are in a directory beside it. Raises NetworkError."""
    document = _object(_decoded(data, file), file, "$")
    inlined = _truth(document, "loadOnlyInlinedPlugins", file)
    if "plugins" not in document and inlined:
        raise NetworkError(
            file, "$.plugins", "there are none, and loadOnlyInlinedPlugins allows no others", "Add a plugin."
        )
    return Network(
        name=_name(document, file),
        file=file,
        version=_version(document, file),
        plugins=_plugins(document, file),
        document=data,
        disable_check=_truth(document, "disableCheck", file),
        disable_gc=_truth(document, "disableGC", file),
        inlined=inlined,
    )


def parse_single(data: bytes, file: str) -> Network:
    """A *.conf or *.json: one plugin, which becomes a list of one. Raises NetworkError."""
    single = _object(_decoded(data, file), file, "$")
    _plugin(single, file, "$")
    kept = {key: single[key] for key in ("name", "cniVersion", "cniVersions") if key in single}
    return parse_list(msgspec.json.encode({**kept, "plugins": [single]}), file)


def parse_cached(data: bytes, file: str) -> Network:
    """A configuration out of the cache: a list, or a single plugin. Raises NetworkError."""
    document = _object(_decoded(data, file), file, "$")
    return parse_list(data, file) if "plugins" in document else parse_single(data, file)


def parse_plugin(data: bytes, file: str) -> Plugin:
    """A plugin's file in the directory of its network. Raises NetworkError."""
    return _plugin(_decoded(data, file), file, "$")


def with_plugins(network: Network, more: Iterable[Plugin]) -> Network:
    """The network with these after its own; its document says so. Raises NetworkError when there are none at all."""
    more = tuple(more)
    plugins = network.plugins + more
    if not plugins:
        raise NetworkError(network.file, "$.plugins", "the network has no plugins", "Add one.")
    if not more:
        return network
    document = {
        **msgspec.json.decode(network.document),
        "plugins": [plugin.configuration for plugin in plugins],
        "loadOnlyInlinedPlugins": True,
    }
    return replace(network, plugins=plugins, document=msgspec.json.encode(document), inlined=True)


def _decoded(data: bytes, file: str) -> object:
    try:
        return documents.read(data)
    except ValueError as error:
        raise NetworkError(
            file, "$", f"this is no JSON that can be used: {error}", "Correct it, or restore the file."
        ) from None


def _object(value: object, file: str, path: str) -> Json:
    if not isinstance(value, dict):
        raise NetworkError(file, path, f"must be an object, not {_kind(value)}", "Write it as {…}.")
    return value


def _kind(value: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")


def _text(document: Json, key: str, file: str, path: str = "$") -> str:
    """Empty where there is none."""
    value = document.get(key, "")
    if not isinstance(value, str):
        raise NetworkError(file, f"{path}.{key}", f"must be a text, not {_kind(value)}", 'Put it in quotes: "…".')
    return value


def _name(document: Json, file: str) -> str:
    name = _text(document, "name", file)
    if not name:
        raise NetworkError(file, "$.name", "the network has no name", _NAME_RULE)
    if not NAME.fullmatch(name):
        raise NetworkError(file, "$.name", f"{name!r} is no network's name", _NAME_RULE)
    return name


def _version(document: Json, file: str) -> str:
    """The highest of all that are given and that we speak."""
    given = _versions(document, file)
    single = _text(document, "cniVersion", file)
    for field, version in [*given, ("$.cniVersion", single or versions.FIRST)]:
        try:
            versions.parsed(version)
        except ValueError as error:
            raise NetworkError(file, field, str(error), _VERSION_RULE) from None
    offered = [version for _, version in given] + ([single] if single else [])
    chosen = versions.highest(offered or [versions.FIRST])
    if chosen is None:
        field = "$.cniVersions" if given else "$.cniVersion"
        problem = f"{', '.join(offered)} is newer than {versions.LATEST}, the newest that is known here"
        raise NetworkError(file, field, problem, f"Add {versions.LATEST} or an older one to cniVersions.")
    return chosen


def _versions(document: Json, file: str) -> list[tuple[str, str]]:
    """Each of cniVersions with its path."""
    values = document.get("cniVersions", [])
    if not isinstance(values, list):
        raise NetworkError(file, "$.cniVersions", f"must be a list, not {_kind(values)}", 'Write it as ["1.0.0"].')
    for index, value in enumerate(values):
        if not isinstance(value, str):
            path = f"$.cniVersions[{index}]"
            raise NetworkError(file, path, f"must be a text, not {_kind(value)}", _VERSION_RULE)
    return [(f"$.cniVersions[{index}]", value) for index, value in enumerate(values)]


def _truth(document: Json, key: str, file: str) -> bool:
    value = document.get(key, False)
    word = _WORDS.get(value.lower()) if isinstance(value, str) else value
    if not isinstance(word, bool):
        raise NetworkError(file, f"$.{key}", "must be true or false", "Write true or false.")
    return word


def _plugins(document: Json, file: str) -> tuple[Plugin, ...]:
    if "plugins" not in document:
        return ()
    values = document["plugins"]
    if not isinstance(values, list):
        raise NetworkError(file, "$.plugins", f"must be a list, not {_kind(values)}", "Write it as [{…}].")
    if not values:
        raise NetworkError(file, "$.plugins", "the network has no plugins", "Add one.")
    return tuple(_plugin(value, file, f"$.plugins[{index}]") for index, value in enumerate(values))


def _plugin(value: object, file: str, path: str) -> Plugin:
    configuration = _object(value, file, path)
    kind = _text(configuration, "type", file, path)
    if not kind or "/" in kind or "\0" in kind or kind in (".", ".."):
        problem = f"{kind!r} is no name of a plugin" if kind else "the plugin has no type"
        raise NetworkError(file, f"{path}.type", problem, "Name the plugin's binary, e.g. bridge.")
    return Plugin(kind, configuration, _capabilities(configuration, file, f"{path}.capabilities"))


def _capabilities(configuration: Json, file: str, path: str) -> frozenset[str]:
    declared = _object(configuration.get("capabilities") or {}, file, path)
    for name, value in declared.items():
        if not isinstance(value, bool):
            raise NetworkError(file, f"{path}.{name}", "must be true or false", "Write true or false, without quotes.")
    return frozenset(name for name, value in declared.items() if value)
