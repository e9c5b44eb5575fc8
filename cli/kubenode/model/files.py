"""Files that tasks put onto a node: as they stand, and what is done to them, one step after the other."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it stands. `data` None: there is none. `link`: what it is a link to, if it is one."""

    path: str
    data: bytes | None = field(default=None, repr=False)
    mode: int = 0
    uid: int = 0
    gid: int = 0
    link: str = ""

    @property
    def there(self) -> bool:
        return self.data is not None

    @property
    def text(self) -> str:
        return (self.data or b"").decode(errors="replace")


@dataclass(frozen=True, slots=True)
class BackUpFile:
    """`directory` is made if need be; the copy's name tells the time."""

    path: str
    directory: str
    why: str

    @property
    def verb(self) -> str:
        return f"keep a copy of {self.path} in {self.directory}"


@dataclass(frozen=True, slots=True)
class WriteFile:
    """`uid`, `gid`: whose it becomes; None: whoever writes it."""

    path: str
    data: bytes = field(repr=False)
    mode: int
    why: str
    uid: int | None = None
    gid: int | None = None

    @property
    def verb(self) -> str:
        return f"write {self.path}"


@dataclass(frozen=True, slots=True)
class SetFileMode:
    path: str
    mode: int
    why: str

    @property
    def verb(self) -> str:
        return f"set the permissions of {self.path} to {self.mode:04o}"


@dataclass(frozen=True, slots=True)
class RemoveFile:
    path: str
    why: str

    @property
    def verb(self) -> str:
        return f"remove {self.path}"


FileStep = BackUpFile | WriteFile | SetFileMode | RemoveFile
