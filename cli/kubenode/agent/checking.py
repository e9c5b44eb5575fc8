"""Checking manifests without a node: files in, all that speaks against them out. It needs no agent and no root."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from kubenode.agent.checking_documents import Checked, check_document
from kubenode.model.checks import CheckedDocument, Finding, ManifestCheck, Verdict, worst
from kubenode.model.objects import ObjectKey
from kubenode.sources.directory import content_of, is_backup, manifests
from kubenode.sources.documents import MAX_BYTES, RefusedError, document, read_nodes

STDIN = "-"


def check(files: Iterable[str]) -> ManifestCheck:
    """The verdict on files, on the files that directories hold as the agent reads them, and on standard input ("-")."""
    checked = [one for file in files for one in _place(file)]
    checked = [*_known_references(_distinct(checked))]
    findings = tuple(finding for one in checked for finding in one.findings)
    verdict = worst([finding.verdict for finding in findings])
    return ManifestCheck(verdict=verdict, documents=tuple(_told(one) for one in checked if one.kind), findings=findings)


def _place(file: str) -> Iterator[Checked]:
    path = Path(file)
    if file == STDIN:
        yield from _content("<stdin>", sys.stdin.buffer.read(MAX_BYTES + 1))
        return
    try:
        paths = manifests(path) if path.is_dir() else [path]
    except OSError as error:
        yield _unreadable(file, error)
        return
    if not paths:
        yield _without_object(file, Verdict.UNREADABLE, "the directory holds no manifest")
    for one in paths:
        if one != path and is_backup(one):
            message = "a backup copy by its name; the agent does not run it"
            yield _without_object(str(one), Verdict.SKIPPED, message)
        else:
            yield from _file(one, named=one == path)


def _file(path: Path, *, named: bool) -> Iterator[Checked]:
    """A pipe that was named is read, as shells make them; one in a directory may have no writer, ever."""
    try:
        content = _read(path) if named else content_of(path)[0]
    except OSError as error:
        yield _unreadable(str(path), error)
        return
    yield from _content(str(path), content)


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_BYTES + 1)


def _unreadable(file: str, error: OSError) -> Checked:
    return _without_object(file, Verdict.UNREADABLE, f"it cannot be read: {error.strerror}")


def _content(file: str, content: bytes) -> Iterator[Checked]:
    try:
        nodes = read_nodes(content)
    except RefusedError as refusal:
        yield _refused(file, refusal)
        return
    if not nodes:
        yield _without_object(file, Verdict.INVALID, "the file holds no document")
    for node in nodes:
        try:
            yield from check_document(file, document(node))
        except RefusedError as refusal:
            yield _refused(file, refusal)


def _refused(file: str, refusal: RefusedError) -> Checked:
    checked = Checked(file)
    checked.refuse(refusal)
    return checked


def _without_object(file: str, verdict: Verdict, message: str) -> Checked:
    return Checked(file, [Finding(file=file, verdict=verdict, message=message)])


def _distinct(checked: list[Checked]) -> Iterator[Checked]:
    """Of several of one kind, namespace and name only the first can be run or used."""
    first: dict[ObjectKey, Checked] = {}
    for one in checked:
        if one.key is not None and first.setdefault(one.key, one) is not one:
            other = first[one.key]
            message = f"{other.file}:{other.line} is {one.key} already: rename or remove one of the two"
            one.add(Verdict.INVALID, "$.metadata.name", message)
        yield one


def _known_references(checked: Iterable[Checked]) -> Iterator[Checked]:
    """A pod without its ConfigMap waits for it; on a node it may come from elsewhere, so this is a warning."""
    every = list(checked)
    there = {one.key for one in every}
    for one in every:
        for path, key in one.references:
            if key not in there:
                one.add(Verdict.WARNING, path, f"{key} is in none of the files that were checked")
        yield one


def _told(one: Checked) -> CheckedDocument:
    verdicts = [finding.verdict for finding in one.findings]
    verdict = Verdict.SKIPPED if Verdict.SKIPPED in verdicts else worst(verdicts)
    return CheckedDocument(file=one.file, line=one.line, verdict=verdict, kind=one.kind, name=one.name)
