"""Where a container mounts the pod's volumes."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.pod import Container
from kubenode.model.validation.rules import Names, Problem, descending, no_nul, one_of, quoted, unique
from kubenode.model.volumes import VolumeMount

PROPAGATIONS = ("", "None", "HostToContainer", "Bidirectional")
RECURSIVE = ("", "Disabled", "IfPossible", "Enabled")


def mount_problems(container: Container, known: Names, path: str) -> Iterator[Problem]:
    for index, mount in enumerate(container.volume_mounts):
        where = f"{path}[{index}]"
        if mount.name not in known.volumes:
            yield Problem(f"{where}.name", f"the pod has no volume {quoted(mount.name)}: add it to $.spec.volumes")
        if not mount.mount_path:
            yield Problem(f"{where}.mountPath", "a path is needed")
        yield from no_nul(f"{where}.mountPath", mount.mount_path)
        yield from _sub_path(mount, where)
        yield from _propagation(mount, container, where)
    mounts = enumerate(container.volume_mounts)
    yield from unique(((f"{path}[{n}].mountPath", one.mount_path) for n, one in mounts), "a mount at")


def _sub_path(mount: VolumeMount, path: str) -> Iterator[Problem]:
    for field, text in (("subPath", mount.sub_path), ("subPathExpr", mount.sub_path_expr)):
        yield from descending(f"{path}.{field}", text)
    if mount.sub_path and mount.sub_path_expr:
        yield Problem(f"{path}.subPathExpr", "it stands beside subPath: keep one of the two")


def _propagation(mount: VolumeMount, container: Container, path: str) -> Iterator[Problem]:
    yield from one_of(f"{path}.mountPropagation", mount.mount_propagation, PROPAGATIONS)
    if mount.mount_propagation == "Bidirectional" and not container.security_context.privileged:
        yield Problem(f"{path}.mountPropagation", "only a privileged container may mount for the node (Bidirectional)")
    where = f"{path}.recursiveReadOnly"
    yield from one_of(where, mount.recursive_read_only, RECURSIVE)
    if mount.recursive_read_only in ("IfPossible", "Enabled"):
        if not mount.read_only:
            yield Problem(where, "it needs readOnly: true")
        if mount.mount_propagation not in ("", "None"):
            yield Problem(where, "it does not go with mountPropagation: remove one of the two")
