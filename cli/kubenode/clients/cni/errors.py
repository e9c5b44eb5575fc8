"""What goes wrong with CNI: a network that cannot be read, a plugin that says no, an ADD that could not be undone."""

from __future__ import annotations

from kubenode.clients.errors import ClientError, KubenodeError

TRY_AGAIN = 11
_REMEDIES = {
    1: "Lower the network's cniVersion to one that the plugin supports, or install newer plugins.",
    2: "Take the field that it names out of the network's configuration, or install newer plugins.",
    3: "The container is unknown to it; it may be gone already.",
    4: "Check the container's id, the interface's name and the network namespace.",
    5: "Check that its files and the network namespace can be read and written.",
    6: "Check the network's configuration: it must be the JSON that this plugin expects.",
    7: "Correct the network's configuration.",
    TRY_AGAIN: "Try again in a moment: it says that this passes.",
    50: "It cannot attach anything now; see what it needs to run.",
    51: "It cannot attach anything now, and what is attached may be cut off; see what it needs to run.",
}


class NetworkError(KubenodeError):
    """A network's file that is none. `field` is a JSON path such as `$.plugins[0].type`; `$` is the whole file."""

    def __init__(self, file: str, field: str, problem: str, remedy: str) -> None:
        self.file = file
        self.field = field
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{file}: {field}: {problem}. {remedy}")


class CniError(ClientError):
    """A plugin's error. The endpoint is the plugin's file.

    code: as the plugin gave it (CNI 1.1, "Error"); None when it gave none that can be read
    message, details: its own words
    said: the end of what it wrote to stderr
    """

    default_remedy = "The code is the plugin's own: its documentation tells more."

    def __init__(
        self,
        *,
        endpoint: str,
        operation: str,
        subject: str,
        message: str,
        code: int | None = None,
        details: str = "",
        said: str = "",
        remedy: str | None = None,
    ) -> None:
        self.code = code
        self.message = message
        self.details = details
        self.said = said
        numbered = "" if code is None else f"code {code}: "
        words = [f"{numbered}{message}", details, f"stderr: {said}" if said else ""]
        super().__init__(
            endpoint=endpoint,
            operation=operation,
            subject=subject,
            detail="; ".join(word for word in words if word),
            remedy=remedy if remedy is not None or code is None else _REMEDIES.get(code),
        )

    @property
    def try_again(self) -> bool:
        """Whether the plugin expects the same call to work later."""
        return self.code == TRY_AGAIN


class UndoFailed(KubenodeError):
    """An ADD failed, and so did the DEL after it: something of the attachment may be left.

    cause: why the ADD failed
    undo: why the DEL failed
    """

    def __init__(self, cause: KubenodeError, undo: KubenodeError) -> None:
        self.cause = cause
        self.undo = undo
        super().__init__(
            f"{cause} The DEL after it failed as well, so some of it may be left: {undo} "
            "Repeat the DEL once that is put right."
        )
