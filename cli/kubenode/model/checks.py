"""What `kubenode manifest check` tells. It holds no value of a Secret."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Verdict(StrEnum):
    """From good to bad; the worst of the parts is that of the whole. `skipped` is as good as ok."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    INVALID = "invalid"
    UNREADABLE = "unreadable"


class Report(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of these reports. model/reports.py has its own, with all of the agent behind it, that no file needs."""


class Finding(Report, frozen=True, kw_only=True):
    """`line` counts from 1, 0 where there is no one place; `path` is the JSON path from the document's root."""

    file: str
    verdict: Verdict
    message: str
    line: int = 0
    path: str = ""


class CheckedDocument(Report, frozen=True, kw_only=True):
    """One object of a file. `name` is `namespace/name`, empty where it cannot be told."""

    file: str
    line: int
    verdict: Verdict
    kind: str = ""
    name: str = ""


class ManifestCheck(Report, frozen=True, kw_only=True):
    """`findings` in the order of files and lines."""

    verdict: Verdict
    documents: tuple[CheckedDocument, ...] = ()
    findings: tuple[Finding, ...] = ()


def worst(verdicts: list[Verdict]) -> Verdict:
    order = list(Verdict)
    found = max(verdicts, key=order.index, default=Verdict.OK)
    return Verdict.OK if found is Verdict.SKIPPED else found
