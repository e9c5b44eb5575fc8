"""What the CSI specification means by a gRPC code, as our errors: the code alone decides, never the text."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Awaitable, Callable
from typing import TypeVar

from grpc import StatusCode, aio

from kubenode.clients import errors
from kubenode.clients.errors import ClientError
from kubenode.clients.rpc_errors import UNKNOWN_SERVICE, socket_problem

Answer = TypeVar("Answer")


class FailedPrecondition(ClientError):
    """The volume is in use, or a step before this one is missing."""

    default_remedy = "See where the volume is in use, and whether the step before this one was done."


class OutOfRange(errors.InvalidArgument):
    """The driver has no volumes of that size, or it does not grow them so far."""

    default_remedy = "Ask for a size that the driver has."


LOG = "See the driver's own log."
BY_CODE: dict[StatusCode, tuple[type[ClientError], str | None]] = {
    StatusCode.INVALID_ARGUMENT: (errors.InvalidArgument, None),
    StatusCode.NOT_FOUND: (errors.NotFound, "Check the ids: the volume, its source or the node is not known there."),
    StatusCode.ALREADY_EXISTS: (
        errors.AlreadyExists,
        "It exists with other properties: ask for what it has, remove it first, or use another name.",
    ),
    StatusCode.FAILED_PRECONDITION: (FailedPrecondition, None),
    StatusCode.ABORTED: (errors.Aborted, "Another operation on it is under way: try again in a moment."),
    StatusCode.OUT_OF_RANGE: (OutOfRange, None),
    StatusCode.RESOURCE_EXHAUSTED: (
        errors.ResourceExhausted,
        "Free space, detach volumes from the node, or allow another topology.",
    ),
    StatusCode.UNIMPLEMENTED: (errors.Unimplemented, "This driver cannot do it; see its capabilities."),
    StatusCode.UNAVAILABLE: (errors.Unavailable, "Check that the driver runs."),
    StatusCode.DEADLINE_EXCEEDED: (
        errors.DeadlineExceeded,
        "It may still happen: try the same again. If it stays so, see the driver's own log.",
    ),
    StatusCode.CANCELLED: (errors.Cancelled, None),
    StatusCode.PERMISSION_DENIED: (errors.PermissionDenied, "Check the secrets that were given."),
    StatusCode.UNAUTHENTICATED: (errors.PermissionDenied, "Check the secrets that were given."),
}
NOT_FINAL = (
    errors.Cancelled,
    errors.DeadlineExceeded,
    errors.Unavailable,
    errors.ResourceExhausted,
    errors.Aborted,
)
SHORTEST_SECRET = 3
NO_SERVICE_REMEDY = "A driver may serve its controller and its nodes on different sockets: name the other one."


def is_final(error: ClientError) -> bool:
    """Whether it is sure that nothing goes on. Otherwise it may have happened or happen yet: keep all state."""
    return not isinstance(error, NOT_FINAL)


def translate(
    error: aio.AioRpcError, *, endpoint: str, path: str, operation: str, subject: str, expired: float | None
) -> ClientError:
    """Our error for what a driver answered; the arguments are those of `rpc_errors.translate`."""
    detail = error.details() or ""
    kind, remedy = BY_CODE.get(error.code(), (errors.RuntimeFailure, LOG))
    if kind is errors.Unimplemented and UNKNOWN_SERVICE.search(detail):
        remedy = NO_SERVICE_REMEDY
    elif kind is errors.Unavailable:
        detail, found = socket_problem(path, detail)
        remedy = found or remedy
    elif kind is errors.DeadlineExceeded and expired is not None:
        detail = f"no answer within {expired:g} s"
    return kind(endpoint=endpoint, operation=operation, subject=subject, detail=detail, remedy=remedy)


def without(error: aio.AioRpcError, secrets: list[str]) -> aio.AioRpcError:
    """The same error without these values in its text, and without what else came along.

    Values shorter than 3 characters stay: they are in every text.
    """
    hidden = sorted((value for value in secrets if len(value) >= SHORTEST_SECRET), key=len, reverse=True)
    if not hidden:
        return error
    detail = re.sub("|".join(map(re.escape, hidden)), "***", error.details() or "")
    return aio.AioRpcError(error.code(), aio.Metadata(), aio.Metadata(), details=detail)


async def retrying(
    call: Callable[[], Awaitable[Answer]], *, within: float, first_pause: float = 0.2, longest_pause: float = 10.0
) -> Answer:
    """Do it until the answer is final, with pauses (s) that double, for `within` seconds in all.

    Raises the last ClientError. A call under way is not cut off when the time is over: only no new one begins.
    """
    loop = asyncio.get_running_loop()
    end, pause = loop.time() + within, first_pause
    while True:
        try:
            return await call()
        except NOT_FINAL:
            # Several that wait for one volume must not come back all at once.
            rest = pause * random.uniform(0.5, 1)
            if loop.time() + rest >= end:
                raise
        await asyncio.sleep(rest)
        pause = min(2 * pause, longest_pause)
