"""Which users of the host the pods with hostUsers: false run as: a range for each that no other has.

The ranges outlive the agent, since a pod's volumes and containers are made for its own. Those of gone pods are given
on.
"""

from __future__ import annotations

import logging
from collections.abc import Container, Mapping
from pathlib import Path

import msgspec

from kubenode.clients.disk import make_private_directory, write_atomic
from kubenode.model.names import PodKey
from kubenode.model.specs import UserNamespace

log = logging.getLogger(__name__)

# As the kubelet has it: 65536 users each, the first of them above the host's own.
LENGTH = 65536


class Range(msgspec.Struct, frozen=True):
    """The users from `number` times LENGTH on are those of a pod under this key."""

    pod: str
    number: int


class UserNamespaces:
    """`path` keeps the ranges, by UID. With `keep` False they are used but not written."""

    def __init__(self, path: Path, *, keep: bool = True) -> None:
        self._path = path
        self._keep = keep
        self._ranges = _load(path)

    def assign(self, pods: Mapping[str, PodKey]) -> dict[str, UserNamespace]:
        """The users of each of these pods, by UID."""
        new = [uid for uid in pods if uid not in self._ranges]
        for uid in new:
            self._ranges[uid] = Range(str(pods[uid]), self._free())
        if new:
            self._save()
        return {uid: UserNamespace(self._ranges[uid].number * LENGTH, LENGTH) for uid in pods}

    def release(self, key: PodKey, alive: Container[str]) -> None:
        """Give on what is kept for the key but for those UIDs that are alive."""
        gone = [uid for uid, one in self._ranges.items() if one.pod == str(key) and uid not in alive]
        for uid in gone:
            del self._ranges[uid]
        if gone:
            self._save()

    def _free(self) -> int:
        taken = {one.number for one in self._ranges.values()}
        return next(number for number in range(1, len(taken) + 2) if number not in taken)

    def _save(self) -> None:
        """A full disk costs the pods that come after a restart ranges that may be in use, so it is said loudly."""
        if not self._keep:
            return
        try:
            make_private_directory(self._path.parent)
            write_atomic(self._path, msgspec.json.encode(self._ranges))
        except OSError as error:
            log.error("user namespaces cannot be kept in %s: %s", self._path, error.strerror)


def _load(path: Path) -> dict[str, Range]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Range])
    except (OSError, msgspec.DecodeError):
        return {}
