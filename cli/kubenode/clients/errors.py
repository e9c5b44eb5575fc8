"""The errors of every client: one small tree, free of any transport, so that all layers can name them cheaply.

Clients raise these and nothing else. Where a gRPC status becomes one of them is `clients/rpc.py`, and only there.
"""

from __future__ import annotations


class KubenodeError(Exception):
    """Base of all that goes wrong in a way that we can explain: str() is a sentence for people."""


class ClientError(KubenodeError):
    """A call that failed.

    endpoint: who was asked, e.g. "unix:///run/containerd/containerd.sock"
    operation: the call's name, e.g. "RunPodSandbox"
    subject: what it was about, e.g. "container 3f2a91c04d7e web"; empty when it was about nothing in particular
    detail: what came back
    remedy: what to do next; the class's own unless something better is known
    """

    default_remedy = "The runtime's own log tells more."

    def __init__(
        self, *, endpoint: str, operation: str, subject: str = "", detail: str = "", remedy: str | None = None
    ) -> None:
        self.endpoint = endpoint
        self.operation = operation
        self.subject = subject
        self.detail = detail
        self.remedy = self.default_remedy if remedy is None else remedy
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        tried = f"{self.operation} of {self.subject}" if self.subject else self.operation
        answer = self.detail.strip().rstrip(".") or "no reason was given"
        return f"{tried} failed at {self.endpoint}: {answer}. {self.remedy}".rstrip()


class Unavailable(ClientError):
    """Nobody answers at the endpoint, or it serves something else; the same call may work later."""

    default_remedy = "Check that the service runs, e.g. systemctl status containerd."


class DeadlineExceeded(ClientError):
    """No answer in time, whether we stopped waiting or the other side did. What was asked may still happen."""

    default_remedy = (
        "It may hang or be overloaded: see its log, e.g. journalctl -u containerd; restart it if it stays so."
    )


class Cancelled(ClientError):
    """The other side gave the call up. (A cancelled task of ours gets asyncio.CancelledError as ever.)"""

    default_remedy = "Try again."


class Aborted(ClientError):
    """Another operation on the same object is under way."""

    default_remedy = "Try again in a moment."


class ResourceExhausted(ClientError):
    """Out of space, of memory, of addresses or of a quota."""

    default_remedy = "Free what is used up, or raise its limit."


class NotFound(ClientError):
    """The object does not exist."""

    default_remedy = "Check its name; it may have been removed meanwhile."


class AlreadyExists(ClientError):
    """The object, or its name, is taken."""

    default_remedy = "Remove the old one first, or use another name."


class InvalidArgument(ClientError):
    """The request itself is wrong; the same one will never work."""

    default_remedy = "Correct what it names."


class PermissionDenied(ClientError):
    """We, or the credentials that we gave, may not do this."""

    default_remedy = "Run as root, and check the credentials that were used."


class Unimplemented(ClientError):
    """The other side does not know this call."""

    default_remedy = "A newer version of it may."


class RuntimeFailure(ClientError):
    """It was understood and did not work: all the rest."""
