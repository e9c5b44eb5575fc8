"""Where a volume is mounted and staged: by paths of one's own, or where the kubelet has a pod's volumes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import PurePosixPath

import msgspec

from kubenode.apply.csi_mount_plans import KubeletData
from kubenode.model import csi_rules as rules
from kubenode.model.csi_rules import VolumeData
from kubenode.resources.csi_options import UseOptions
from kubenode.resources.options import OptionError

POD = "csi.storage.k8s.io/pod."


class Pod(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What podInfoOnMount tells a driver."""

    name: str
    namespace: str
    service_account: str = "default"


@dataclass(frozen=True, slots=True)
class Paths:
    """target_data, staging_data: where vol_data.json stands; empty where the directory is not the kubelet's."""

    target: str
    staging: str
    target_data: str
    staging_data: str
    spec_name: str
    ephemeral: bool

    def kubelet_data(self, driver: str, volume_id: str, node: str) -> KubeletData:
        published = VolumeData(
            driver_name=driver,
            volume_handle=volume_id,
            spec_vol_id=self.spec_name,
            node_name=node,
            attachment_id=rules.attachment_name(volume_id, driver, node),
            volume_lifecycle_mode="Ephemeral" if self.ephemeral else "Persistent",
        )
        return KubeletData(driver, published if self.target_data else None, self.target_data, self.staging_data)


class PathOptions(UseOptions, frozen=True, kw_only=True):
    target_path: str = ""
    staging_path: str = ""
    pod_uid: str = ""
    volume_name: str = ""
    pod: Pod | None = None
    ephemeral: bool = False

    def ephemeral_handle(self) -> str:
        """The id of a volume that lives with its pod, as the kubelet makes it; empty where that is not asked."""
        if not self.ephemeral or self.volume_id:
            return ""
        if not self.pod_uid:
            raise OptionError(
                "ephemeral: a volume that lives with its pod needs pod_uid and volume_name, or volume_id."
            )
        return rules.ephemeral_handle(self.pod_uid, self._spec_name())

    def target(self, volume_id: str, *, block: bool) -> str:
        if bool(self.target_path) == bool(self.pod_uid):
            raise OptionError("target_path: say where, by target_path or by pod_uid and volume_name.")
        if self.target_path:
            return _absolute("target_path", self.target_path)
        name = self._spec_name() or volume_id
        if not name:
            raise OptionError("volume_name: say which of the pod's volumes.")
        if "/" in self.pod_uid or self.pod_uid in (".", ".."):
            raise OptionError("pod_uid: this is no UID.")
        if block:
            return rules.block_target_path(self.kubelet_root, _file_name(name), self.pod_uid)
        return rules.target_path(self.kubelet_root, self.pod_uid, name)

    def paths(self, driver: str, volume_id: str, *, block: bool) -> Paths:
        """All of them. The staging path is the kubelet's where none is named: a volume has one on a node."""
        target, spec_name = self.target(volume_id, block=block), self._spec_name() or volume_id
        staging = _absolute("staging_path", self.staging_path) if self.staging_path else ""
        if block:
            file_name = _file_name(spec_name)
            target_data = rules.block_data_directory(self.kubelet_root, file_name) if self.pod_uid else ""
            staging = staging or rules.block_staging_path(self.kubelet_root, file_name)
            return Paths(target, staging, target_data, "", spec_name, self.ephemeral)
        target_data = str(PurePosixPath(target).parent) if self.pod_uid else ""
        kubelets = rules.staging_path(self.kubelet_root, driver, volume_id)
        staging_data = "" if staging else str(PurePosixPath(kubelets).parent)
        return Paths(target, staging or kubelets, target_data, staging_data, spec_name, self.ephemeral)

    def _spec_name(self) -> str:
        return self.volume_name or self.name


def pod_context(options: PathOptions) -> dict[str, str]:
    """What the kubelet adds to the context of a volume with podInfoOnMount, or of one that lives with its pod."""
    pod, made = options.pod, dict[str, str]()
    if pod is not None:
        made = {
            f"{POD}name": pod.name,
            f"{POD}namespace": pod.namespace,
            f"{POD}uid": options.pod_uid,
            "csi.storage.k8s.io/serviceAccount.name": pod.service_account,
        }
    if pod is not None or options.ephemeral:
        made["csi.storage.k8s.io/ephemeral"] = "true" if options.ephemeral else "false"
    return {key: value for key, value in made.items() if value}


def _file_name(name: str) -> str:
    """As one part of a path."""
    safe = "/" not in name and name not in {"", ".", ".."}
    return name if safe else hashlib.sha256(name.encode()).hexdigest()


def _absolute(option: str, path: str) -> str:
    """Without `.` and `..`, as the driver and the kernel have it."""
    parts = PurePosixPath(path)
    if not parts.is_absolute() or ".." in parts.parts or str(parts) == "/":
        raise OptionError(f"{option}: this is no absolute path of a directory: {path}")
    return str(parts)
