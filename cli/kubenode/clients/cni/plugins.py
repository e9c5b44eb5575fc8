"""The plugins' binaries: found, called, and their answers read."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kubenode.clients import errors
from kubenode.clients.cni import documents, process, versions
from kubenode.clients.cni.attachment import Attachment, environment
from kubenode.clients.cni.errors import CniError
from kubenode.clients.cni.network import Json

_CANNOT_RUN = {
    errno.ENOEXEC: "Install a binary for this machine's architecture.",
    errno.ETXTBSY: "It is being written: try again when that is done.",
}
_QUOTED = 200  # characters of an answer that cannot be read


@dataclass(frozen=True, slots=True)
class Binary:
    """A plugin as it is installed.

    path: empty when there is none
    versions: of CNI, that it supports
    problem: why it cannot be used; empty when it can
    """

    type: str
    path: str
    versions: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Plugins:
    """path: the directories of plugins, the first that has one counts; within: seconds that one call may take.

    keep: descriptors that each plugin gets besides
    """

    path: tuple[str, ...]
    within: float
    keep: tuple[int, ...] = ()

    def find(self, kind: str) -> str:
        """The binary's path. Raises NotFound, or PermissionDenied where it cannot be run."""
        for directory in self.path:
            file = Path(directory, kind)
            if not _is_file(file):
                continue
            if os.access(file, os.X_OK):
                return str(file)
            remedy = f"Make it executable: chmod 755 {file}."
            raise errors.PermissionDenied(
                endpoint=str(file), operation="start", subject=f"plugin {kind}", detail="not executable", remedy=remedy
            )
        raise errors.NotFound(
            endpoint=":".join(self.path),
            operation="search",
            subject=f"plugin {kind}",
            detail="no such binary",
            remedy="Install the plugin there (e.g. containernetworking-plugins), or name its directory in CNI_PATH.",
        )

    def names(self) -> tuple[str, ...]:
        """All that are installed, by name. A directory that is not there has none. Raises RuntimeFailure."""
        found: set[str] = set()
        for directory in self.path:
            try:
                found |= {
                    file.name for file in Path(directory).iterdir() if _is_file(file) and os.access(file, os.X_OK)
                }
            except (FileNotFoundError, NotADirectoryError):
                continue
            except OSError as error:
                raise errors.RuntimeFailure(
                    endpoint=directory,
                    operation="read",
                    subject="plugins",
                    detail=error.strerror or str(error),
                    remedy="Run it as root, and check the directory.",
                ) from None
        return tuple(sorted(found))

    async def call(
        self, command: str, kind: str, document: bytes, *, subject: str, attachment: Attachment | None = None
    ) -> Json | None:
        """What the plugin answered; None when it answered nothing, or nothing that is a JSON object.

        Raises CniError, DeadlineExceeded, NotFound, PermissionDenied and RuntimeFailure.
        """
        path = self.find(kind)
        answer = await self._run(path, environment(command, self.path, attachment), document, command, subject)
        told = _object(answer.output)
        if answer.code:
            raise _refusal(path, command, subject, answer, told)
        return told

    async def versions(self, kind: str) -> tuple[str, ...]:
        """The versions of CNI that the plugin supports. Raises as `call` does."""
        dummy = Attachment("dummy", "dummy", "dummy")
        try:
            told = await self.call(
                "VERSION",
                kind,
                msgspec.json.encode({"cniVersion": versions.LATEST}),
                subject=f"plugin {kind}",
                attachment=dummy,
            )
        except CniError as error:
            if "unknown CNI_COMMAND" in error.message:
                return (versions.FIRST,)
            raise
        supported = (told or {}).get("supportedVersions")
        if isinstance(supported, list) and supported and all(isinstance(one, str) for one in supported):
            return tuple(supported)
        raise garbage(self.find(kind), "VERSION", f"plugin {kind}", "no supportedVersions in its answer")

    async def inspect(self, kind: str) -> Binary:
        """The plugin as it is installed, with what is wrong about it."""
        path = ""
        try:
            path = self.find(kind)
            return Binary(kind, path, await self.versions(kind))
        except errors.ClientError as error:
            return Binary(kind, path, problem=str(error))

    async def _run(
        self, path: str, variables: Mapping[str, str], document: bytes, command: str, subject: str
    ) -> process.Answer:
        try:
            return await process.run(path, variables, document, within=self.within, keep=self.keep)
        except TimeoutError:
            raise errors.DeadlineExceeded(
                endpoint=path,
                operation=command,
                subject=subject,
                detail=f"no answer within {self.within:g} s, so it was killed",
                remedy="See what it waits for: a daemon of its own, a lock of iptables, an address server.",
            ) from None
        except OSError as error:
            raise errors.RuntimeFailure(
                endpoint=path,
                operation=command,
                subject=subject,
                detail=f"it cannot be run: {error.strerror}",
                remedy=_CANNOT_RUN.get(error.errno or 0, "Install the plugin anew, with what it needs to run."),
            ) from None


def garbage(path: str, command: str, subject: str, what: str) -> CniError:
    """The error for an answer that is none."""
    return CniError(
        endpoint=path,
        operation=command,
        subject=subject,
        message=what,
        remedy="It does not speak CNI as it should: install another build of this plugin.",
    )


def _is_file(file: Path) -> bool:
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except (OSError, ValueError):
        return False


def _object(data: bytes) -> Json | None:
    try:
        value = documents.read(data)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def _refusal(path: str, command: str, subject: str, answer: process.Answer, told: Json | None) -> CniError:
    code = (told or {}).get("code")
    if told is not None and isinstance(code, int):
        return CniError(
            endpoint=path,
            operation=command,
            subject=subject,
            code=code,
            message=str(told.get("msg") or "no reason was given"),
            details=str(told.get("details") or ""),
            said=answer.said,
        )
    ended = f"signal {-answer.code}" if answer.code < 0 else f"exit status {answer.code}"
    quoted = answer.output[:_QUOTED].decode(errors="replace").strip()
    what = f"ended with {ended} and no error that can be read" + (f": {quoted!r}" if quoted else "")
    return CniError(
        endpoint=path,
        operation=command,
        subject=subject,
        message=what,
        said=answer.said,
        remedy="See what it wrote to stderr, and the kernel's log where it was killed.",
    )
