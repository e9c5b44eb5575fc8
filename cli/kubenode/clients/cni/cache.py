"""What is attached, as libcni and all that use it keep it: one file for each attachment.

The file's layout is libcni's own (`cniCacheV1`), so that containerd and we can read each other's.
"""

from __future__ import annotations

import base64
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from kubenode.clients import errors
from kubenode.clients.cni import documents, results
from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.network import Json, Network
from kubenode.clients.disk import make_private_directory, write_atomic

KIND = "cniCacheV1"
# While it is written, the file's name is longer; 255 is the most.
MOST_NAME = 240


@dataclass(frozen=True, slots=True)
class CachedAttachment:
    """An attachment and how it was made.

    config: the network's document then; empty in files of libcni before 0.8
    result: what ADD answered
    unfinished: the ADD was begun and neither ended nor undone
    """

    network: str
    attachment: Attachment
    config: bytes
    result: Json | None
    unfinished: bool = False

    def result_for(self, network: Network) -> Json | None:
        """The result in the network's version; None when there is none that it could read."""
        if self.result is None:
            return None
        try:
            return results.convert(self.result, network.version)
        except ValueError:
            return None


class _File(msgspec.Struct, rename="camel", omit_defaults=True):
    kind: str
    container_id: str
    config: str
    if_name: str
    network_name: str
    netns: str = ""
    cni_args: list[tuple[str, str]] | None = None
    capability_args: dict[str, Any] | None = None
    result: dict[str, Any] | None = None


class Cache:
    """The files in a directory, e.g. /var/lib/cni/results. Blocks, shortly."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def path(self, network: str, attachment: Attachment) -> Path:
        return self.directory / f"{network}-{attachment.container_id}-{attachment.ifname}"

    def write(self, network: Network, attachment: Attachment, result: Json) -> None:
        """Raises RuntimeFailure when it cannot be kept."""
        path = self.path(network.name, attachment)
        try:
            make_private_directory(self.directory)
            write_atomic(path, encode(network, attachment, result))
        except OSError as error:
            raise _failed("write", path, error) from None

    def read(self, network: str, attachment: Attachment) -> CachedAttachment | None:
        """None when nothing is known of it: no file, a damaged one, or another attachment's. Raises RuntimeFailure."""
        path = self.path(network, attachment)
        try:
            found = decode(path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise _failed("read", path, error) from None
        if isinstance(found, dict):
            return CachedAttachment(network, attachment, b"", found)
        same = found is not None and (found.network, found.attachment.key) == (network, attachment.key)
        return found if same else None

    def holds(self, network: str, attachment: Attachment) -> bool:
        """Whether its file is there, whatever is in it. Raises InvalidArgument where there can be none."""
        path = self.path(network, attachment)
        if len(os.fsencode(path.name)) > MOST_NAME:
            detail = f"the names of network, container and interface together are longer than {MOST_NAME} bytes"
            raise errors.InvalidArgument(endpoint=str(path), operation="search", detail=detail)
        return path.exists()

    def remove(self, network: str, attachment: Attachment) -> None:
        """Raises RuntimeFailure."""
        path = self.path(network, attachment)
        try:
            path.unlink()
        except (FileNotFoundError, NotADirectoryError):
            return
        except OSError as error:
            raise _failed("remove", path, error) from None

    def attachments(self, network: str | None = None) -> list[CachedAttachment]:
        """All that are cached, or those of one network, by the names of their files. Raises RuntimeFailure."""
        try:
            files = sorted(file for file in self.directory.iterdir() if not file.name.startswith("."))
            read = [(file, decode(file.read_bytes())) for file in files if file.is_file()]
        except FileNotFoundError:
            return []
        except OSError as error:
            raise _failed("read", self.directory, error) from None
        known = [(file, found) for file, found in read if isinstance(found, CachedAttachment)]
        # What is called otherwise than its content says could be neither deleted nor removed by its name.
        named = [found for file, found in known if self.path(found.network, found.attachment) == file]
        return [found for found in named if network in (None, found.network)]


def encode(network: Network, attachment: Attachment, result: Json) -> bytes:
    """The content of a file."""
    return msgspec.json.encode(
        _File(
            kind=KIND,
            container_id=attachment.container_id,
            config=base64.b64encode(network.document).decode(),
            if_name=attachment.ifname,
            network_name=network.name,
            netns=attachment.netns,
            cni_args=list(attachment.args) or None,
            capability_args=dict(attachment.capability_args) or None,
            result=result or None,
        )
    )


def decode(data: bytes) -> CachedAttachment | Json | None:
    """A file's attachment; of libcni before 0.8 the bare result; None for all else."""
    try:
        document = documents.read(data)
        if isinstance(document, dict) and "cniVersion" in document and "kind" not in document:
            return document
        file = msgspec.convert(document, _File)
        config = base64.b64decode(file.config, validate=True)
    except ValueError:
        return None
    if file.kind != KIND or not (file.network_name and file.container_id and file.if_name):
        return None
    attachment = Attachment(
        file.container_id, file.if_name, file.netns, tuple(file.cni_args or ()), file.capability_args or {}
    )
    return CachedAttachment(file.network_name, attachment, config, file.result)


def _failed(operation: str, path: Path, error: OSError) -> errors.ClientError:
    kind = errors.PermissionDenied if isinstance(error, PermissionError) else errors.RuntimeFailure
    remedy = None if kind is errors.PermissionDenied else "Check the directory and the space left on its disk."
    detail = error.strerror or str(error)
    return kind(endpoint=str(path), operation=operation, subject="cached attachments", detail=detail, remedy=remedy)
