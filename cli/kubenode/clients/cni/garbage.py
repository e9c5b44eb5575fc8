"""What is left of containers that are gone: cached attachments, and addresses that host-local never got back.

CNI 1.1, "GC". The reference plugins have no GC of their own, so leaked addresses are looked for here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kubenode.clients import errors
from kubenode.clients.cni import addresses, versions
from kubenode.clients.cni.addresses import Reservation
from kubenode.clients.cni.cache import CachedAttachment
from kubenode.clients.cni.chain import Verdict
from kubenode.clients.cni.network import Network
from kubenode.clients.errors import ClientError, KubenodeError

GRACE = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Garbage:
    """A preview.

    stale: attachments that are not valid: each gets a DEL
    leaked: addresses that no attachment has: each is freed
    verb: whether the plugins are asked for GC themselves
    """

    stale: tuple[CachedAttachment, ...]
    leaked: tuple[Reservation, ...]
    verb: bool

    def __bool__(self) -> bool:
        """Whether it would change anything that can be seen from here."""
        return bool(self.stale or self.leaked)


@dataclass(frozen=True, slots=True)
class Collected:
    """What was done.

    verdicts: of each plugin that was asked for GC
    problems: why the rest was not done
    """

    deleted: tuple[CachedAttachment, ...]
    freed: tuple[Reservation, ...]
    verdicts: tuple[Verdict, ...]
    problems: tuple[KubenodeError, ...]


def find(
    cached: Sequence[CachedAttachment], network: Network, valid: frozenset[tuple[str, str]], before: float
) -> Garbage:
    """Nothing where the network forbids GC, as others may share it.

    cached: all that is attached to the network
    before: addresses given out later than this time do not count. Blocks. Raises RuntimeFailure, PermissionDenied.
    """
    if network.disable_gc:
        return Garbage((), (), verb=False)
    owners = valid | {one.attachment.key for one in cached}
    return Garbage(
        stale=tuple(one for one in cached if one.attachment.key not in valid),
        leaked=tuple(one for one in held(network) if one.modified < before and not one.belongs_to(owners)),
        verb=network.speaks(versions.STATUS_AND_GC),
    )


def free(
    cached: Iterable[CachedAttachment], valid: frozenset[tuple[str, str]], leaked: Iterable[Reservation]
) -> tuple[tuple[Reservation, ...], tuple[ClientError, ...]]:
    """Those freed, and why others were not. One that was attached or given to another meanwhile stays. Blocks."""
    freed, problems = [], []
    owners = valid | {one.attachment.key for one in cached}
    for reservation in leaked:
        try:
            if not reservation.belongs_to(owners) and addresses.free(reservation):
                freed.append(reservation)
        except OSError as error:
            problems.append(_failed("free", reservation.address, str(reservation.path), error))
    return tuple(freed), tuple(problems)


def held(network: Network) -> list[Reservation]:
    """All addresses that host-local has given out for a network. Blocks. Raises RuntimeFailure."""
    found = []
    for directory in addresses.data_directories(network):
        try:
            found += addresses.reservations(directory)
        except OSError as error:
            raise _failed("read", f"addresses of network {network.name}", str(directory), error) from None
    return found


def _failed(operation: str, subject: str, endpoint: str, error: OSError) -> ClientError:
    return errors.RuntimeFailure(
        endpoint=endpoint,
        operation=operation,
        subject=subject,
        detail=error.strerror or str(error),
        remedy="Run it as root, and check the directory.",
    )
