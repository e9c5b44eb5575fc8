"""fsGroup, as the kubelet gives files to it: their group, and what that group may do."""

from __future__ import annotations

import stat

READ_WRITE = 0o660
ENTER = 0o110


def mode_for_group(mode: int) -> int:
    """The permissions (with set-group-id) that a file or directory of this st_mode gets. Links have none."""
    if stat.S_ISLNK(mode):
        return stat.S_IMODE(mode)
    directory = (ENTER | stat.S_ISGID) if stat.S_ISDIR(mode) else 0
    return stat.S_IMODE(mode) | READ_WRITE | directory


def group_problem(mode: int, gid: int, group: int) -> str:
    """What keeps a file of this st_mode from being its group's; empty where nothing does."""
    if gid != group:
        return f"its group is {gid}"
    if stat.S_IMODE(mode) != mode_for_group(mode):
        return f"its mode is {stat.S_IMODE(mode):04o}"
    return ""
