"""Making cgroups and setting their limits."""

from __future__ import annotations

from pathlib import Path

from kubenode.clients import cgroupfs
from kubenode.model.specs import CgroupSpec
from kubenode.plan.cgroup_files import CgroupFile, cgroup_files, slice_properties


def set_cgroup(spec: CgroupSpec, mount: Path = cgroupfs.MOUNT) -> None:
    """Make the cgroup, or give it other limits. It blocks. Raises RuntimeFailure."""
    unified = cgroupfs.is_unified(mount)
    files = cgroup_files(spec, unified=unified)
    if cgroupfs.is_slice(spec.name):
        cgroupfs.set_slice(spec.name, slice_properties(spec, unified=unified))
        # systemd leaves these to whoever knows them.
        files = tuple(file for file in files if file.controller == "hugetlb")
    else:
        cgroupfs.make(spec.name, mount)
    cgroupfs.write(spec.name, (_line(file) for file in files), mount)


def _line(file: CgroupFile) -> tuple[str, str, str]:
    return file.controller, file.name, file.value
