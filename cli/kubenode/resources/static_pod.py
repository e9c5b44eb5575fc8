"""A static pod: its manifest in the directory that the node runs pods from, and the wait for what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from kubenode.agent.manifests import Change, ManifestError, absent, present
from kubenode.agent.surroundings import Surroundings, surroundings
from kubenode.apply.files import carry_out
from kubenode.clients.errors import KubenodeError
from kubenode.model.files import FileStep
from kubenode.model.static_pod import Origin, SourceKind, static_pod
from kubenode.plan.files import file_absent, file_present
from kubenode.plan.start import Awaited
from kubenode.resources import options
from kubenode.resources.options import OptionError
from kubenode.resources.plain import plain
from kubenode.resources.result import ResourceError, Result

# A manifest gives root's rights to whoever can write it, and runs nothing itself.
ALLOWED_MODES, NEEDED_MODES = 0o644, 0o400


class Options(options.Options, frozen=True, kw_only=True):
    state: Literal["present", "absent"] = "present"
    definition: dict[str, Any] | None = None
    content: str | None = None
    name: str = ""
    path: str = ""
    mode: str = "0600"
    backup: bool = False
    backup_path: str = "/var/backups/kubenode/manifests"
    wait: Literal["none", "running", "ready"] = "none"
    wait_timeout: int = 120
    config: str = ""
    runtime_endpoint: str = ""


async def run(wanted: Options, *, check: bool) -> Result:
    """Raises ResourceError with the line of a manifest that is refused, and with what was done before a wait failed."""
    around = surroundings(wanted.config, wanted.runtime_endpoint)
    directory = _directory(wanted.path, around)
    try:
        change = _change(wanted, directory, around)
    except ManifestError as error:
        raise ResourceError(str(error), **({"line": error.line} if error.line else {})) from None
    steps = _steps(wanted, change)
    warnings = _missing(directory, check=check) if wanted.state == "present" else ()
    if wanted.wait != "none":
        _read_by_somebody(directory, around)
    values: dict[str, object] = {"path": str(change.path), **_names(change, around)}
    result = Result(values=values, steps=steps, **_diff(change, steps, wanted), warnings=warnings)
    if check:
        return result
    if copy := carry_out(steps):
        values["backup_file"] = copy
    if wanted.wait != "none":
        try:
            values |= await _wait(wanted, change, around)
        except KubenodeError as error:
            raise ResourceError(str(error), **result.returned()) from None
    return result


def _directory(path: str, around: Surroundings) -> Path:
    """As the agent calls it, where that is the same: a pod's UID holds the path."""
    given = Path(path) if path else around.directory
    if given.exists() and around.directory.exists() and given.samefile(around.directory):
        return around.directory
    return given


def _change(wanted: Options, directory: Path, around: Surroundings) -> Change:
    manifest = wanted.content if wanted.content is not None else wanted.definition
    if wanted.state == "absent":
        if manifest is None and not wanted.name:
            raise OptionError("name: say which manifest goes: by name, or by the definition or content that it has")
        return absent(directory, wanted.name, manifest)
    if manifest is None:
        raise OptionError("definition: a manifest is needed: give definition or content")
    return present(directory, wanted.name, manifest, copies_run=around.kubelet is not None)


def _steps(wanted: Options, change: Change) -> tuple[FileStep, ...]:
    backup = _backup_directory(wanted, change.path.parent) if wanted.backup else ""
    if wanted.state == "absent":
        return file_absent(change.there, backup=backup)
    mode = _mode(wanted.mode)
    return file_present(change.there, change.content.encode(), mode, differs=change.differs, backup=backup)


def _mode(text: str) -> int:
    try:
        mode = int(text, 8)
    except ValueError:
        mode = -1
    if mode < 0 or mode & ~ALLOWED_MODES or mode & NEEDED_MODES != NEEDED_MODES:
        raise OptionError(
            f"mode: {text!r} cannot be a manifest's: write '0600', '0640' or '0644', in quotes; others must not be "
            "able to write it"
        )
    return mode


def _backup_directory(wanted: Options, directory: Path) -> str:
    """Raises OptionError for a place in the directory of manifests: a kubelet would run the copy."""
    place = Path(wanted.backup_path)
    if not place.is_absolute():
        raise OptionError(f"backup_path: {str(place)!r} is not absolute: write the path from / on")
    if place.resolve().is_relative_to(directory.resolve()):
        raise OptionError(f"backup_path: {place} is in the directory of manifests: copies belong elsewhere")
    return str(place)


def _missing(directory: Path, *, check: bool) -> tuple[str, ...]:
    """In check mode another task of the same play may be about to make it."""
    if directory.is_dir():
        return ()
    what = "is not a directory" if directory.exists() else "does not exist"
    if not check:
        raise ResourceError(f"The directory {directory} {what}: make it, or name another (path).")
    return (f"The directory {directory} {what}; the task fails unless another one makes it before.",)


def _read_by_somebody(directory: Path, around: Surroundings) -> None:
    """Raises ResourceError where waiting would be in vain."""
    read = around.settings.kubelet.static_pod_path
    if read and directory != Path(read):
        who = "The kubelet" if around.kubelet else "The agent"
        raise ResourceError(f"{who} runs static pods from {read}, not from {directory}: there is nothing to wait for.")


def _names(change: Change, around: Surroundings) -> dict[str, object]:
    """What the pod is called: an API server shows it, as its mirror, under the same name."""
    if change.pod is None:
        return {}
    key = static_pod(change.pod, Origin(SourceKind.FILE, str(change.path)), around.settings.node_name).key
    return {"mirror_pod": {"namespace": key.namespace, "name": key.name}}


def _diff(change: Change, steps: tuple[FileStep, ...], wanted: Options) -> dict[str, Any]:
    """The manifests' texts; with permissions that change in a line before them."""
    before, after = change.before, change.after
    if steps and wanted.state == "present" and change.there.there and change.there.mode != _mode(wanted.mode):
        before = f"# mode: {change.there.mode:04o}\n{before}"
        after = f"# mode: {_mode(wanted.mode):04o}\n{after}"
    return {"before": before, "after": after, "header": str(change.path)}


async def _wait(wanted: Options, change: Change, around: Surroundings) -> dict[str, object]:
    # A file alone needs no runtime, whose clients take half of such a task's time to load.
    from kubenode.agent.waiting import wait_gone, wait_started  # noqa: PLC0415

    if wanted.state == "absent":
        await wait_gone(change, around, wanted.wait_timeout)
        return {}
    status = await wait_started(change, around, Awaited(wanted.wait), wanted.wait_timeout)
    return {"pod": plain(status)}
