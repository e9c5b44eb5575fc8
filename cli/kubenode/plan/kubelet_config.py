"""How a KubeletConfiguration changes: merging, taking away, and what the change asks of who reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubenode.model.settings import UNSUPPORTED_FIELDS
from kubenode.plan.differences import MISSING, differences

# The agent sets it once, as it starts.
SET_AT_START = frozenset(("oomScoreAdj",))
# Headers of requests hold tokens.
SECRET_FIELDS = ("staticPodURLHeader",)
HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Consequences:
    """restart: changed fields for which whoever reads the file has to start again; reload: those for which a reload,
    SIGHUP, is enough. Nobody does either by itself.
    """

    restart: tuple[str, ...] = ()
    reload: tuple[str, ...] = ()


def merge(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    """Mappings into each other, all else replaced; a null takes its field away."""
    result = dict(base)
    for key, value in more.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, Mapping):
            inner = result.get(key)
            result[key] = merge(inner if isinstance(inner, Mapping) else {}, value)
        else:
            result[key] = value
    return result


def without(base: Mapping[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """Without the fields at these dotted paths; names may hold dots themselves: evictionHard.memory.available."""
    result = dict(base)
    for path in paths:
        result = _without(result, path.split("."))
    return result


def _without(base: Mapping[str, Any], parts: Sequence[str]) -> dict[str, Any]:
    result = dict(base)
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        if name not in result:
            continue
        inner = result[name]
        if length == len(parts):
            del result[name]
        elif isinstance(inner, Mapping):
            result[name] = _without(inner, parts[length:])
        break
    return result


def has(base: Mapping[str, Any], path: str) -> bool:
    return without(base, [path]) != dict(base)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Old and new value of each field that differs, by dotted path; a field that comes or goes is told part by part."""
    found: dict[str, tuple[Any, Any]] = {}
    for path, old, new in differences(before, after):
        if isinstance(old, list) or isinstance(new, list) or "[" in path:
            # A list is replaced as a whole.
            name = path.partition("[")[0]
            found[name] = (_at(before, name), _at(after, name))
        else:
            found |= _parts(path, old, new)
    return found


def _parts(path: str, old: Any, new: Any) -> dict[str, tuple[Any, Any]]:
    there = new if old is MISSING else old
    if not isinstance(there, Mapping) or not there or (old is not MISSING and new is not MISSING):
        return {path: (old, new)}
    found: dict[str, tuple[Any, Any]] = {}
    for key, value in there.items():
        inner = f"{path}.{key}"
        found |= _parts(inner, MISSING, value) if old is MISSING else _parts(inner, value, MISSING)
    return found


def _at(base: Mapping[str, Any], path: str) -> Any:
    value: Any = base
    parts = path.split(".")
    while parts and isinstance(value, Mapping):
        for length in range(len(parts), 0, -1):
            name = ".".join(parts[:length])
            if name in value:
                value, parts = value[name], parts[length:]
                break
        else:
            return MISSING
    return value


def shown(found: Mapping[str, tuple[Any, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The fields before and after, as they may be shown: of secrets only that they changed."""
    before, after = {}, {}
    for path, (old, new) in found.items():
        secret = path.partition(".")[0] in SECRET_FIELDS
        if old is not MISSING:
            before[path] = HIDDEN if secret else old
        if new is not MISSING:
            after[path] = f"{HIDDEN}, changed" if secret and old is not MISSING else HIDDEN if secret else new
    return before, after


def without_secrets(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: HIDDEN if name in SECRET_FIELDS else value for name, value in fields.items()}


def consequences(changed: Iterable[str], *, kubenodes: bool) -> Consequences:
    """A kubelet reads its file once. kubenode's agent reads it again when it is told to, for all but a few fields."""
    fields = tuple(changed)
    if not kubenodes:
        return Consequences(restart=fields)
    acted_on = [path for path in fields if path.partition(".")[0] not in UNSUPPORTED_FIELDS]
    restart = tuple(path for path in acted_on if path.partition(".")[0] in SET_AT_START)
    return Consequences(restart, tuple(path for path in acted_on if path not in restart))
