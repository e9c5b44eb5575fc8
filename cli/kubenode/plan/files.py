"""What it takes that a file is as it should be, or is gone."""

from __future__ import annotations

from kubenode.model.files import BackUpFile, FileState, FileStep, RemoveFile, SetFileMode, WriteFile


def file_present(
    there: FileState, data: bytes, mode: int, *, differs: str, backup: str = "", keep_owner: bool = False
) -> tuple[FileStep, ...]:
    """differs: why its content has to change, empty where it has not; the bytes alone do not tell

    backup: the directory for a copy of what is replaced, if one is wanted
    """
    if not there.there:
        return (WriteFile(there.path, data, mode, "it is not there"),)
    if differs:
        owner = (there.uid, there.gid) if keep_owner else (None, None)
        kept = (BackUpFile(there.path, backup, "it is about to be replaced"),) if backup else ()
        return (*kept, WriteFile(there.path, data, mode, differs, *owner))
    if there.mode != mode:
        return (SetFileMode(there.path, mode, f"they are {there.mode:04o}"),)
    return ()


def file_absent(there: FileState, *, backup: str = "") -> tuple[FileStep, ...]:
    if not there.there:
        return ()
    kept = (BackUpFile(there.path, backup, "it is about to be removed"),) if backup else ()
    return (*kept, RemoveFile(there.path, "it should not be there"))
