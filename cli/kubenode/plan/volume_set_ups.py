"""What has to be done now so that the volumes stand as they should, from what was seen of them."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.actions import SetUpVolume
from kubenode.model.volume_specs import ContentVolume, EmptyDir, HostPath, ImageVolume, VolumeFact, VolumeSpec
from kubenode.plan.volume_state import expected_state

_NOTHING = VolumeFact("")
_MADE = {"": "Directory", "DirectoryOrCreate": "Directory", "FileOrCreate": "File"}
_DEMANDED = frozenset(("Directory", "File", "Socket", "CharDevice", "BlockDevice"))


def volume_set_ups(
    specs: Mapping[str, VolumeSpec], facts: Mapping[str, VolumeFact]
) -> tuple[tuple[SetUpVolume, ...], dict[str, str]]:
    """The set-ups needed, in the order of the volumes; and by name why a volume cannot be used as it stands."""
    set_ups: list[SetUpVolume] = []
    wrong: dict[str, str] = {}
    for name, spec in specs.items():
        fact = facts.get(name, _NOTHING)
        if isinstance(spec, HostPath) and (problem := _host_path_problem(spec, fact.kind)):
            wrong[name] = problem
        elif why := _reason(spec, fact):
            set_ups.append(SetUpVolume(spec, why))
    return tuple(set_ups), wrong


def _reason(spec: VolumeSpec, fact: VolumeFact) -> str:
    """Empty: it stands as it should."""
    match spec:
        case ImageVolume():
            return ""
        case HostPath(path=path):
            return "" if fact.kind else f"{path} does not exist yet"
        case _ if not fact.kind:
            return "it is not there yet"
        case ContentVolume():
            return "" if fact.state == expected_state(spec) else "its content is to be another"
        case EmptyDir(medium=medium):
            # Without a medium, what stands there holds data and is never touched again.
            return f"its {medium} is not mounted" if medium and fact.state != expected_state(spec) else ""


def _host_path_problem(spec: HostPath, kind: str) -> str:
    wanted = _MADE.get(spec.type)
    if wanted is None and spec.type not in _DEMANDED:
        return f"{spec.type!r} is not a type of hostPath: {', '.join(sorted(_DEMANDED | _MADE.keys() - {''}))}"
    if spec.type == "" or (wanted and not kind) or kind == (wanted or spec.type):
        return ""
    there = f"it is a {kind}" if kind else "nothing is there"
    return f"{spec.path} should be a {wanted or spec.type} and {there}: make it on the node, or change the type"
