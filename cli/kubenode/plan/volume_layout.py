"""Names inside pods' directories and volumes that those who make them and those who look at them share."""

from __future__ import annotations

import msgspec

# The link that stands for the current content of a volume; its next one is made beside it.
DATA = "..data"
DATA_NEXT = "..data_tmp"
# Says that a pod's directory is ours, and for which pod it was made.
MARKER = ".kubenode.json"


class Marker(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    namespace: str
    name: str
    uid: str
    log_directory: str = ""
    cgroup_parent: str = ""
