"""What of a pod's volumes one container sees, and where."""

from __future__ import annotations

import re
from collections.abc import Mapping

from kubenode.model.pod import Container
from kubenode.model.settings import Settings
from kubenode.model.specs import Mount, Propagation
from kubenode.model.static_pod import DesiredPod
from kubenode.model.volume_specs import SubPath
from kubenode.model.volumes import (
    EmptyDirVolumeSource,
    HostPathVolumeSource,
    ImageVolumeSource,
    Volume,
    VolumeMount,
    source_of,
)
from kubenode.plan.expansion import expand
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.volume_paths import sub_path_target, volume_directory

CONFIG_ERROR = "CreateContainerConfigError"
_REFERENCE = re.compile(r"\$(?:\$|\(([^)]*)\))")
_RECURSIVE = ("", "Disabled", "IfPossible", "Enabled")


def container_mounts(
    container: Container, desired: DesiredPod, env: Mapping[str, str], settings: Settings
) -> tuple[tuple[Mount, ...], tuple[SubPath, ...]]:
    """The mounts, parents before what is mounted in them, and the parts of volumes to be bound before.

    Raises UnrunnableError.
    """
    volumes = {volume.name: volume for volume in desired.pod.spec.volumes}
    mounts: list[Mount] = []
    parts: list[SubPath] = []
    for index, mount in enumerate(container.volume_mounts):
        if (volume := volumes.get(mount.name)) is None:
            raise _refused(mount, "the pod has no such volume: add it to spec.volumes")
        path = _sub_path(mount, env)
        if isinstance(source := source_of(volume), ImageVolumeSource):
            mounts.append(_image_mount(mount, source, path))
            continue
        directory = volume_directory(volume, desired.pod, settings)
        if path:
            target = sub_path_target(mount.name, container.name, index, desired.pod, settings)
            shared = mount.mount_propagation == Propagation.BIDIRECTIONAL
            parts.append(SubPath(directory, path, target, _read_only(mount, volume), shared))
            directory = target
        mounts.append(_mount(mount, volume, directory, desired.recursive_read_only))
    return tuple(sorted(mounts, key=_depth)), tuple(parts)


def _mount(mount: VolumeMount, volume: Volume, host_path: str, able: bool) -> Mount:
    read_only, propagation = _read_only(mount, volume), _propagation(mount)
    return Mount(
        container_path=_container_path(mount),
        host_path=host_path,
        read_only=read_only,
        recursive_read_only=_recursive(mount, read_only, propagation, able),
        propagation=propagation,
    )


def _image_mount(mount: VolumeMount, source: ImageVolumeSource, sub_path: str) -> Mount:
    return Mount(_container_path(mount), read_only=True, image=source.reference, image_sub_path=sub_path)


def _container_path(mount: VolumeMount) -> str:
    return "/" + mount.mount_path.lstrip("/")


def _depth(mount: Mount) -> int:
    return sum(part not in ("", ".") for part in mount.container_path.split("/"))


def _read_only(mount: VolumeMount, volume: Volume) -> bool:
    """What updates replace under the container is not its own to write."""
    source = source_of(volume)
    return mount.read_only or not (source is None or isinstance(source, EmptyDirVolumeSource | HostPathVolumeSource))


def _propagation(mount: VolumeMount) -> Propagation:
    try:
        return Propagation(mount.mount_propagation or Propagation.NONE)
    except ValueError:
        raise _refused(mount, f"{mount.mount_propagation!r} is not one of {', '.join(Propagation)}") from None


def _recursive(mount: VolumeMount, read_only: bool, propagation: Propagation, able: bool) -> bool:
    """`able`: whether the runtime can; one that cannot would mount without a word what lies below for writing."""
    if mount.recursive_read_only not in _RECURSIVE:
        raise _refused(
            mount, f"recursiveReadOnly {mount.recursive_read_only!r} is not one of {', '.join(_RECURSIVE[1:])}"
        )
    fit = read_only and propagation is Propagation.NONE
    if mount.recursive_read_only != "Enabled":
        return mount.recursive_read_only == "IfPossible" and fit and able
    if not fit:
        raise _refused(mount, "recursiveReadOnly Enabled needs readOnly: true and no mountPropagation")
    if not able:
        raise _refused(mount, "recursiveReadOnly Enabled is more than this node's runtime can: write IfPossible")
    return True


def _sub_path(mount: VolumeMount, env: Mapping[str, str]) -> str:
    """The path in the volume, empty for all of it."""
    path = _expanded(mount, env) if mount.sub_path_expr else mount.sub_path
    if path.startswith("/"):
        raise _refused(mount, f"subPath {path!r} is absolute: write a path inside the volume")
    if ".." in path.split("/") or "\0" in path:
        raise _refused(mount, f"subPath {path!r} leads upwards: write a path inside the volume without '..'")
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _expanded(mount: VolumeMount, env: Mapping[str, str]) -> str:
    """A variable that is unknown or empty would name another directory than was meant."""
    names: list[str | None] = [match.group(1) for match in _REFERENCE.finditer(mount.sub_path_expr)]
    unknown = sorted({name for name in names if name is not None and not env.get(name)})
    if unknown:
        raise _refused(
            mount, f"subPathExpr {mount.sub_path_expr!r} uses {', '.join(unknown)}, not set or empty in its environment"
        )
    path = expand(mount.sub_path_expr, env)
    if "`" in path or "$(" in path:
        raise _refused(
            mount, f"subPathExpr {mount.sub_path_expr!r} gives {path!r}, which looks unfinished: no '`' and no '$('"
        )
    return path


def _refused(mount: VolumeMount, message: str) -> UnrunnableError:
    return UnrunnableError(CONFIG_ERROR, f"mount of volume {mount.name!r} at {mount.mount_path}: {message}")
