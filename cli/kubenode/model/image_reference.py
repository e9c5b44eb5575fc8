"""Names of images: the grammar of github.com/distribution/reference, completed as containerd and docker do."""

from __future__ import annotations

import re
from dataclasses import dataclass

HUB, _HUB_ALIAS, _HUB_API, _OFFICIAL = "docker.io", "index.docker.io", "registry-1.docker.io", "library"
DEFAULT_TAG = "latest"
_LONGEST_PATH = 255
_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}

_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9A-Fa-f:]+\])(?::[0-9]+)?")
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_PATH = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ImageReference:
    """A complete name: `domain` is the registry with its port, `path` the repository in it.

    `tag` and `digest` ("sha256:…") are empty where none is written.
    """

    domain: str
    path: str
    tag: str = ""
    digest: str = ""

    @property
    def name(self) -> str:
        """The repository with its registry: docker.io/library/busybox."""
        return f"{self.domain}/{self.path}"

    @property
    def familiar_name(self) -> str:
        """The repository as people write it: busybox. Complete where it would be taken for something else."""
        if self.domain != HUB:
            return self.name
        first, _, rest = self.path.partition("/")
        short = rest if first == _OFFICIAL and "/" not in rest else self.path
        return self.name if _ID.fullmatch(short) or _split_domain(short)[0] != HUB else short

    @property
    def familiar(self) -> str:
        """The shortest form that means the same, with what tag and digest are written: busybox:1.37."""
        return self.familiar_name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")

    @property
    def full(self) -> str:
        """The name under which a runtime keeps the image: the digest counts over the tag, no tag means latest."""
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag or DEFAULT_TAG}"

    @property
    def registry_host(self) -> str:
        """The host, with its port if one is written, at which the registry's API is served."""
        return _HUB_API if self.domain == HUB else self.domain


def parse(text: str) -> ImageReference:
    """The reference, completed: busybox is docker.io/library/busybox. Raises ValueError that names the text.

    An image's ID (64 hexadecimal digits, with sha256: before them or not) is no reference.
    """
    if not text:
        raise ValueError("an image reference is empty: write one such as registry.example.org/web:1.2")
    if _ID.fullmatch(text.removeprefix("sha256:")):
        raise _refusal(text, "it is an image's ID: write the name of a repository")
    named, at, digest = text.partition("@")
    domain, rest = _split_domain(named)
    path, colon, tag = rest.partition(":")
    if not _DOMAIN.fullmatch(domain):
        raise _refusal(text, f"the registry {domain!r} is not a host name or address, with a port or not")
    _check_path(text, path)
    if colon and not _TAG.fullmatch(tag):
        raise _refusal(text, f"the tag {tag!r} has to be up to 128 of A-Z a-z 0-9 _ . - and begin with none of . -")
    if at:
        _check_digest(text, digest)
    if domain == HUB and "/" not in path:
        path = f"{_OFFICIAL}/{path}"
    return ImageReference(domain, path, tag, digest)


def _split_domain(named: str) -> tuple[str, str]:
    """What stands before the first slash is a registry if it looks like one, by docker's rules, else all is a path."""
    first, slash, rest = named.partition("/")
    if not slash or not (first == "localhost" or "." in first or ":" in first or first != first.lower()):
        return HUB, named
    return (HUB if first == _HUB_ALIAS else first), rest


def _check_path(text: str, path: str) -> None:
    if path != path.lower():
        raise _refusal(text, f"the repository {path!r} has to be in lower case")
    if not _PATH.fullmatch(path):
        raise _refusal(
            text, f"the repository {path!r} has to be names of a-z 0-9 with single . _ or - within, split by /"
        )
    if len(path) > _LONGEST_PATH:
        raise _refusal(text, f"the repository's name is longer than {_LONGEST_PATH} characters")


def _check_digest(text: str, digest: str) -> None:
    algorithm, _, digits = digest.partition(":")
    wanted = _DIGITS.get(algorithm)
    if wanted is None:
        raise _refusal(text, f"the digest {digest!r} has to begin with one of {', '.join(_DIGITS)} and a colon")
    if len(digits) != wanted or not re.fullmatch(r"[0-9a-f]+", digits):
        raise _refusal(text, f"the digest of {algorithm} has to be {wanted} hexadecimal digits in lower case")


def _refusal(text: str, why: str) -> ValueError:
    return ValueError(f"{text[:_LONGEST_PATH]!r} is not an image reference: {why}")
