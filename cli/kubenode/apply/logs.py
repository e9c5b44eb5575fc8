"""Where containers log: a directory a pod, and links that log shippers follow."""

from __future__ import annotations

import shutil
from pathlib import Path

from kubenode.model.names import PodKey
from kubenode.model.specs import ContainerSpec, SandboxSpec


def make_directories(sandbox: SandboxSpec, container: ContainerSpec | None = None) -> None:
    """The pod's log directory, and in it the container's. Raises OSError."""
    directory = Path(sandbox.log_directory)
    (directory / container.name if container else directory).mkdir(mode=0o755, parents=True, exist_ok=True)


def make_termination_log(container: ContainerSpec) -> None:
    """The file that the container leaves its last words in; anybody in it may write there. Raises OSError."""
    if container.termination_log:
        path = Path(container.termination_log)
        path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        path.touch()
        path.chmod(0o666)


def link(links: Path, key: PodKey, container: str, container_id: str, log_path: str) -> None:
    """The link that log shippers know, `<pod>_<namespace>_<container>-<id>.log`. Raises OSError."""
    links.mkdir(mode=0o755, parents=True, exist_ok=True)
    target = links / f"{_prefix(key)}{container}-{container_id}.log"
    target.unlink(missing_ok=True)
    target.symlink_to(log_path)


def _prefix(key: PodKey) -> str:
    return f"{key.name}_{key.namespace}_"


def remove(links: Path, container_id: str, log_path: str) -> None:
    """A removed container's log, its rotated parts, and its link. Absent is done. Raises OSError."""
    for path in links.glob(f"*-{container_id}.log"):
        path.unlink(missing_ok=True)
    if log_path:
        log = Path(log_path)
        for path in [log, *log.parent.glob(f"{log.name}.*")]:
            path.unlink(missing_ok=True)


def remove_directory(links: Path, key: PodKey, directory: str) -> None:
    """A removed pod's logs, and links into them of containers that the runtime lost. Absent is done. Raises OSError."""
    if not directory:
        return
    for path in links.glob(f"{_prefix(key)}*.log"):
        if path.is_symlink() and path.readlink().is_relative_to(directory):
            path.unlink(missing_ok=True)
    if Path(directory).is_dir():
        shutil.rmtree(directory)
