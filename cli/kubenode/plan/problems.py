"""Why something that a manifest asks for cannot be planned now."""

from __future__ import annotations


class UnrunnableError(Exception):
    """`reason` is Kubernetes' word for it, such as CreateContainerConfigError; `message` a sentence that names what
    is missing or wrong and what to do.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
