"""A file with a KubeletConfiguration: merged, held against what kubelets take, and kept."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from kubenode.agent import config_text
from kubenode.agent.config import DEFAULT_PATH, ConfigurationError, settings_of
from kubenode.agent.config_text import HEAD, ConfigText
from kubenode.agent.lock import upstream_kubelet
from kubenode.apply.files import carry_out
from kubenode.model.files import FileState, FileStep
from kubenode.model.kubelet_rules import Problem, problems, problems_of_kubelet
from kubenode.model.kubelet_v1beta1 import FIELDS, KubeletV1Beta1
from kubenode.model.settings import UNSUPPORTED_FIELDS
from kubenode.observe.files import look_at
from kubenode.observe.kubelet import DEFAULT_CONFIGURATION, kubelet
from kubenode.plan.differences import named
from kubenode.plan.files import file_absent, file_present
from kubenode.plan.kubelet_config import changes, consequences, has, merge, shown, without, without_secrets
from kubenode.resources import options
from kubenode.resources.options import OptionError
from kubenode.resources.result import ResourceError, Result
from kubenode.sources.conversion import type_refusals
from kubenode.sources.documents import RefusedError, read_documents
from kubenode.sources.text import manifest_text

NEW_MODE = 0o600
ALLOWED_MODES, NEEDED_MODES = 0o644, 0o400


class Options(options.Options, frozen=True, kw_only=True):
    verbatim: ClassVar[tuple[str, ...]] = ("config",)

    state: Literal["present", "absent"] = "present"
    config: dict[str, Any] = {}
    absent_fields: list[str] = []
    path: str = ""
    agent: Literal["auto", "kubenode", "kubelet"] = "auto"
    mode: str = ""
    backup: bool = False
    backup_path: str = "/var/backups/kubenode/config"


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    there: FileState
    text: ConfigText
    kubenodes: bool

    @property
    def fields(self) -> Mapping[str, Any]:
        return self.text.kubelet.fields if self.text.kubelet else {}


async def run(wanted: Options, *, check: bool) -> Result:
    """Raises OptionError for what no kubelet knows or takes, by field; FileError, ConfigTextError."""
    file = _file(wanted)
    if wanted.state == "absent":
        after: dict[str, Any] = {}
        steps = _removal(wanted, file)
    else:
        after = _after(wanted, file)
        steps = _steps(wanted, file, after, check=check)
    found = {path: both for path, both in changes(file.fields, after).items() if path not in HEAD}
    before_shown, after_shown = shown(found)
    told = consequences(found, kubenodes=file.kubenodes)
    values: dict[str, object] = {
        "path": str(file.path),
        "agent": "kubenode" if file.kubenodes else "kubelet",
        "config": without_secrets(after),
        "changed_fields": list(found),
        "restart_needed": bool(told.restart),
        "restart_fields": list(told.restart),
        "reload_needed": bool(told.reload),
        "reload_fields": list(told.reload),
    }
    if not check and (copy := carry_out(steps)):
        values["backup_file"] = copy
    return Result(
        values=values,
        steps=steps,
        before=before_shown or None,
        after=after_shown or None,
        header=str(file.path),
        warnings=_warnings(wanted, file),
    )


def _file(wanted: Options) -> _File:
    path = Path(wanted.path) if wanted.path else _usual_path()
    there = look_at(path, through_links=True)
    text = config_text.parse(path, there.data or b"")
    kubenodes = wanted.agent == "kubenode" or (wanted.agent == "auto" and (text.kubenodes or path == DEFAULT_PATH))
    return _File(path, there, text, kubenodes)


def _usual_path() -> Path:
    """The agent's, where there is one; else that of the kubelet that runs, or the place where kubelets have it."""
    if DEFAULT_PATH.exists():
        return DEFAULT_PATH
    found = kubelet(upstream_kubelet())
    return found.configuration if found and found.configuration else DEFAULT_CONFIGURATION


def _after(wanted: Options, file: _File) -> dict[str, Any]:
    """The fields as they should be. Raises OptionError where they cannot be so."""
    for name, value in HEAD.items():
        if wanted.config.get(name, value) != value:
            raise OptionError(f"config.{name}: {wanted.config[name]!r} is another document's: write {value}")
    for path in wanted.absent_fields:
        top = path.partition(".")[0]
        if path in HEAD or (top not in FIELDS and not has(file.fields, path)):
            raise OptionError(f"absent_fields: {_unknown(path) if path not in HEAD else f'{path} has to stay'}")
    for top in wanted.config:
        if top not in FIELDS and not (wanted.config[top] is None and top in file.fields):
            raise OptionError(f"config.{_unknown(top)}")
    after = without(merge({**HEAD, **file.fields}, wanted.config), wanted.absent_fields)
    wrong = list(_problems(after, file))
    if wrong:
        raise OptionError("; ".join(f"{one.field}: {one.message}" for one in wrong))
    return after


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name.partition(".")[0], FIELDS, n=1)
    return f"{name}: no kubelet has such a field{f'; did you mean {near[0]}?' if near else ''}"


def _problems(after: Mapping[str, Any], file: _File) -> Iterator[Problem]:
    """What is of a wrong type or name; where nothing is, which values are wrong."""
    try:
        (document,) = read_documents(manifest_text(dict(after)).encode())
    except RefusedError as error:
        yield Problem(error.path.removeprefix("$.") or "config", error.message)
        return
    misfits = list(type_refusals(document, KubeletV1Beta1))
    yield from (Problem(one.path.removeprefix("$."), one.message.replace(" | null", "")) for one in misfits)
    if misfits:
        return
    wrong = list(problems(after))
    yield from wrong
    if not file.kubenodes:
        yield from problems_of_kubelet(after)
    elif not wrong:
        try:
            settings_of(file.path, _content(file, after).encode())
        except ConfigurationError as error:
            yield Problem("config", str(error).removeprefix(f"{file.path}: "))


def _content(file: _File, after: Mapping[str, Any]) -> str:
    return file.text.text if after == file.fields else config_text.changed(file.text, after)


def _steps(wanted: Options, file: _File, after: Mapping[str, Any], *, check: bool) -> tuple[FileStep, ...]:
    """In check mode another task of the same play may be about to make the directory."""
    mode = _mode(wanted.mode) if wanted.mode else file.there.mode if file.there.there else NEW_MODE
    differs = f"it differs in {named(list(changes(file.fields, after)))}" if after != file.fields else ""
    if not check and not file.path.parent.is_dir():
        raise ResourceError(f"The directory {file.path.parent} does not exist: make it, or name another file (path).")
    data = _content(file, after).encode()
    backup = _backup_directory(wanted)
    return file_present(file.there, data, mode, differs=differs, backup=backup, keep_owner=True)


def _removal(wanted: Options, file: _File) -> tuple[FileStep, ...]:
    """The file goes with its last document; other documents stay in it."""
    if wanted.config or wanted.absent_fields:
        raise OptionError("config: with state=absent the whole KubeletConfiguration goes: leave config and fields out")
    if file.text.kubelet is None:
        return ()
    backup = _backup_directory(wanted)
    rest = config_text.removed(file.text)
    if not rest:
        return file_absent(file.there, backup=backup)
    why = "its KubeletConfiguration should not be there"
    return file_present(file.there, rest.encode(), file.there.mode, differs=why, backup=backup, keep_owner=True)


def _backup_directory(wanted: Options) -> str:
    if wanted.backup and not Path(wanted.backup_path).is_absolute():
        raise OptionError(f"backup_path: {wanted.backup_path!r} is not absolute: write the path from / on")
    return wanted.backup_path if wanted.backup else ""


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if mode < 0 or mode & ~ALLOWED_MODES or mode & NEEDED_MODES != NEEDED_MODES:
        raise OptionError(
            f"mode: {text!r} cannot be a configuration's: write '0600', '0640' or '0644', in quotes; others must not "
            "be able to write it"
        )
    return mode


def _warnings(wanted: Options, file: _File) -> list[str]:
    """Of kubenode's own file what it does not act upon, as far as the task is about it."""
    if not file.kubenodes:
        return []
    return [
        f"{name} has no effect in this version of kubenode"
        for name, value in wanted.config.items()
        if name in UNSUPPORTED_FIELDS and value is not None
    ]
