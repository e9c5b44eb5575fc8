"""The file of one network in a directory of networks: where it belongs, and what is done to have it there, or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

import msgspec

from kubenode.model.cni import Problem, Severity
from kubenode.model.cni_changes import Attached, ConfigAction, MakeDirectory, NetworkFile, WriteNetwork
from kubenode.model.files import BackUpFile, RemoveFile, SetFileMode

DEFAULT_ORDER = 10
LIST = ".conflist"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A network that should be there; with no document, one that should not.

    filename: of its file in the directory; order: the number that it begins with; empty and None leave it as it is
    mode: as "0600"; backup: the directory for copies of what is replaced or removed, if they are wanted
    """

    name: str
    document: Mapping[str, Any] | None = None
    filename: str = ""
    order: int | None = None
    mode: str = "0600"
    backup: str = ""


@dataclass(frozen=True, slots=True)
class ConfigPlan:
    """path: the network's file; lost: networks that are no longer there afterwards."""

    path: str
    actions: tuple[ConfigAction, ...]
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    lost: tuple[str, ...]


def same(one: object, other: object) -> bool:
    """Whether two documents mean the same: order of keys and layout do not count, 1 is not true."""
    return msgspec.json.encode(one, order="deterministic") == msgspec.json.encode(other, order="deterministic")


def path_of(wanted: Wanted, directory: str, files: Sequence[NetworkFile]) -> str:
    """Where the network stands afterwards, or stood."""
    own = [file for file in files if wanted.name and file.name == wanted.name]
    if wanted.filename:
        return str(PurePosixPath(directory, wanted.filename))
    if own and (wanted.order is None or wanted.document is None):
        return str(PurePosixPath(own[0].path).with_suffix(LIST)) if wanted.document is not None else own[0].path
    order = DEFAULT_ORDER if wanted.order is None else wanted.order
    return str(PurePosixPath(directory, f"{order:02}-{wanted.name}{LIST}"))


def plan_config(wanted: Wanted, directory: str, files: Sequence[NetworkFile], *, is_there: bool) -> ConfigPlan:
    """files: all of the directory, in the order in which they count; is_there: the directory is."""
    path = path_of(wanted, directory, files)
    at = {file.path: file for file in files}
    if wanted.document is None:
        gone = [file for file in files if file.path == path or (not wanted.filename and file.name == wanted.name)]
        actions: list[ConfigAction] = [*_backups(wanted, gone)]
        actions += [RemoveFile(file.path, "it should not be there") for file in gone]
        return _plan(path, actions, files, gone, None)
    current = at.get(path)
    others = [file for file in files if file.name == wanted.name and file.path != path]
    moved = f"network {wanted.name} is to be in {path}"
    write = _write(wanted, path, current, others)
    changing = [current] if current and isinstance(write, WriteNetwork) else []
    actions = []
    if not is_there:
        actions.append(MakeDirectory(directory, "it is not there"))
    actions += _backups(wanted, [*changing, *others])
    if write:
        actions.append(write)
    # What is written comes first, so that whoever reads meanwhile finds the network twice rather than not at all.
    actions += [RemoveFile(file.path, moved) for file in others]
    after = NetworkFile(path=path, name=wanted.name, document=wanted.document, mode=wanted.mode)
    return _plan(path, actions, files, [*([current] if current else []), *others], after)


def _write(
    wanted: Wanted, path: str, current: NetworkFile | None, others: Sequence[NetworkFile]
) -> WriteNetwork | SetFileMode | None:
    document = wanted.document or {}
    if current is None:
        why = f"it is in {others[0].path}" if others else "it is not there"
        return WriteNetwork(path, wanted.name, document, wanted.mode, why)
    if not same(current.document, document):
        return WriteNetwork(path, wanted.name, document, wanted.mode, _difference(wanted.name, current, document))
    if current.mode != wanted.mode:
        return SetFileMode(path, int(wanted.mode, 8), f"they are {current.mode}")
    return None


def _difference(name: str, current: NetworkFile, document: Mapping[str, Any]) -> str:
    if not isinstance(current.document, dict):
        return "the file there cannot be read"
    if current.name != name:
        return f"network {current.name} is there"
    found = current.document
    keys = [key for key in {**found, **document} if key not in found or key not in document]
    keys += [key for key in document if key in found and not same(found[key], document[key])]
    return f"it differs in {', '.join(sorted(keys))}"


def _backups(wanted: Wanted, files: Iterable[NetworkFile]) -> list[BackUpFile]:
    return [BackUpFile(file.path, wanted.backup, "it is about to change") for file in files] if wanted.backup else []


def _plan(
    path: str,
    actions: Sequence[ConfigAction],
    files: Sequence[NetworkFile],
    touched: Sequence[NetworkFile],
    after: NetworkFile | None,
) -> ConfigPlan:
    replaced = {file.path for file in touched}
    left = {file.name for file in files if file.path not in replaced} | ({after.name} if after else set())
    lost = tuple(dict.fromkeys(file.name for file in touched if file.name and file.name not in left))
    return ConfigPlan(
        path,
        tuple(actions),
        {file.path: _plain(file) for file in touched} or None,
        {after.path: _plain(after)} if after else None,
        lost,
    )


def _plain(file: NetworkFile) -> dict[str, Any]:
    return {"mode": file.mode, "network": file.document}


def refusal(plan: ConfigPlan, used: Iterable[Attached]) -> str:
    """Why the plan must not be carried out, unless forced: attachments use what it takes away; empty if none does."""
    found = [one for one in used if one.network in plan.lost]
    if not found:
        return ""
    names = ", ".join(dict.fromkeys(one.network for one in found))
    some = ", ".join(f"{one} ({one.netns or 'no namespace known'})" for one in found[:3])
    more = f" and {len(found) - 3} more" if len(found) > 3 else ""
    return f"network {names} is in use, by {some}{more}."


def versionless(document: Mapping[str, Any], file: str) -> list[Problem]:
    """A network that does not say its version is taken for one of the first."""
    if document.get("cniVersion") or document.get("cniVersions"):
        return []
    message = "no version is given, so plugins are spoken to in CNI 0.1.0, which newer ones refuse"
    return [Problem(Severity.WARNING, file, "$.cniVersion", message, "Add a version such as 1.0.0.")]
