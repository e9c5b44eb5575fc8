"""Where a gRPC status becomes one of our errors: by its code, and where runtimes send none, by its text."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from grpc import StatusCode, aio

from kubenode.clients import errors
from kubenode.clients.errors import ClientError

BY_CODE: dict[StatusCode, type[ClientError]] = {
    StatusCode.UNAVAILABLE: errors.Unavailable,
    StatusCode.DEADLINE_EXCEEDED: errors.DeadlineExceeded,
    StatusCode.CANCELLED: errors.Cancelled,
    StatusCode.ABORTED: errors.Aborted,
    StatusCode.RESOURCE_EXHAUSTED: errors.ResourceExhausted,
    StatusCode.NOT_FOUND: errors.NotFound,
    StatusCode.ALREADY_EXISTS: errors.AlreadyExists,
    StatusCode.INVALID_ARGUMENT: errors.InvalidArgument,
    StatusCode.OUT_OF_RANGE: errors.InvalidArgument,
    StatusCode.PERMISSION_DENIED: errors.PermissionDenied,
    StatusCode.UNAUTHENTICATED: errors.PermissionDenied,
    StatusCode.UNIMPLEMENTED: errors.Unimplemented,
}

# Narrow on purpose: an "executable file not found in $PATH" must not read as if the container were gone.
UNTYPED = (StatusCode.UNKNOWN, StatusCode.INTERNAL, StatusCode.FAILED_PRECONDITION)
BY_TEXT: tuple[tuple[str, type[ClientError]], ...] = (
    (r"failed to reserve \w+ name|name .* is reserved|: already exists$", errors.AlreadyExists),
    (r"deadline exceeded|\btimed out\b|timeout .*exceeded", errors.DeadlineExceeded),
    (r"context canceled$", errors.Cancelled),
    (r"no space left on device|disk quota exceeded|no ip addresses available", errors.ResourceExhausted),
    (r"\b(container|sandbox|image|task|process)\b.*(: not found|does not exist)$", errors.NotFound),
    (r"no such (container|image|sandbox)", errors.NotFound),
)

UNKNOWN_SERVICE = re.compile(r"unknown service", re.IGNORECASE)
NO_SERVICE_REMEDY = (
    "It runs without this API: for containerd take the plugin out of disabled_plugins in its configuration and restart "
    "it, or name another endpoint."
)


def error_class(code: StatusCode, detail: str) -> type[ClientError]:
    """The class for a status; a text decides only where the code says nothing."""
    if code in UNTYPED:
        for pattern, kind in BY_TEXT:
            if re.search(pattern, detail, re.IGNORECASE | re.DOTALL):
                return kind
    return BY_CODE.get(code, errors.RuntimeFailure)


def translate(
    error: aio.AioRpcError, *, endpoint: str, path: str, operation: str, subject: str, expired: float | None
) -> ClientError:
    """Our error for what gRPC raised.

    path: the socket's, looked at when nobody answered
    expired: the seconds that we gave the call, when they have passed
    """
    detail = error.details() or ""
    kind, remedy = error_class(error.code(), detail), None
    if kind is errors.Unimplemented and UNKNOWN_SERVICE.search(detail):
        kind, remedy = errors.Unavailable, NO_SERVICE_REMEDY
    elif kind is errors.Unavailable:
        detail, remedy = socket_problem(path, detail)
    elif kind is errors.DeadlineExceeded and expired is not None:
        detail = f"no answer within {expired:g} s"
    return kind(endpoint=endpoint, operation=operation, subject=subject, detail=detail, remedy=remedy)


def socket_problem(path: str, detail: str) -> tuple[str, str | None]:
    """What keeps us from reaching a socket and what to do about it: gRPC's own `detail` seldom tells."""
    start = f"Start the service behind it, e.g. systemctl start {Path(path).stem}, or name another endpoint."
    try:
        mode = Path(path).stat().st_mode
    except FileNotFoundError:
        return "there is no such socket", start
    except PermissionError:
        return "permission denied on the way to the socket", "Run as root."
    except OSError as error:
        return f"the socket cannot be looked at: {error.strerror}", start
    if not stat.S_ISSOCK(mode):
        return "this file is not a socket", "Name another endpoint."
    if not os.access(path, os.R_OK | os.W_OK, effective_ids=True):
        return "permission denied on the socket", "Run as root."
    if "refused" in detail.lower():
        return ("the socket is there, but nobody listens on it (connection refused)", start)
    return detail, None
