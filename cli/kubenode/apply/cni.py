"""Networks written and taken away, and what goes with garbage collection."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from kubenode.apply import files
from kubenode.apply.files import FileChangeError
from kubenode.clients.disk import write_atomic
from kubenode.model.cni_changes import ConfigAction, MakeDirectory, WriteNetwork


def carry_out(actions: Iterable[ConfigAction]) -> list[str]:
    """The copies that were kept. Raises FileChangeError; what was done by then stays done."""
    kept = []
    for action in actions:
        try:
            match action:
                case MakeDirectory():
                    Path(action.path).mkdir(mode=0o755, parents=True, exist_ok=True)
                case WriteNetwork():
                    # Written beside it: containerd 1.6 sees a file that is renamed within the directory, and none
                    # that is moved into it from another.
                    write_atomic(Path(action.path), content(action), int(action.mode, 8))
                case _:
                    kept.append(files.carry_out([action]))
        except OSError as error:
            remedy = " Run the task as root (become)." if isinstance(error, PermissionError) else ""
            raise FileChangeError(f"To {action.verb} failed: {error.strerror}.{remedy}") from None
    return [copy for copy in kept if copy]


def content(action: WriteNetwork) -> bytes:
    """The file: indented, its keys in the order that they were given in."""
    return msgspec.json.format(msgspec.json.encode(action.document), indent=2) + b"\n"
