"""A driver as tasks work with it: its client, what this node remembers of it, and how long it is asked again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from kubenode.clients.csi import CsiClient
from kubenode.clients.csi_errors import retrying
from kubenode.clients.csi_records import Records

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class CsiSession:
    """retry_timeout: for how many seconds an answer that is not final is asked for again."""

    csi: CsiClient
    records: Records
    retry_timeout: float

    async def ask(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """Raises the last ClientError."""
        return await retrying(call, within=self.retry_timeout)
