"""`v1.Volume` and its sources, as far as a node alone can provide them."""

from __future__ import annotations

from typing import Any

import msgspec

from kubenode.model.schema import Object, Quantity

DEFAULT_FILE_MODE = 0o644


class KeyToPath(Object, frozen=True, kw_only=True):
    key: str
    path: str
    mode: int | None = None


class ObjectFieldSelector(Object, frozen=True, kw_only=True):
    field_path: str
    api_version: str = "v1"


class ResourceFieldSelector(Object, frozen=True, kw_only=True):
    resource: str
    container_name: str = ""
    divisor: Quantity = "0"


class ConfigMapVolumeSource(Object, frozen=True, kw_only=True):
    name: str = ""
    items: list[KeyToPath] = []
    default_mode: int = DEFAULT_FILE_MODE
    optional: bool = False


class SecretVolumeSource(Object, frozen=True, kw_only=True):
    secret_name: str = ""
    items: list[KeyToPath] = []
    default_mode: int = DEFAULT_FILE_MODE
    optional: bool = False


class DownwardAPIVolumeFile(Object, frozen=True, kw_only=True):
    path: str
    field_ref: ObjectFieldSelector | None = None
    resource_field_ref: ResourceFieldSelector | None = None
    mode: int | None = None


class DownwardAPIVolumeSource(Object, frozen=True, kw_only=True):
    items: list[DownwardAPIVolumeFile] = []
    default_mode: int = DEFAULT_FILE_MODE


class ConfigMapProjection(Object, frozen=True, kw_only=True):
    name: str = ""
    items: list[KeyToPath] = []
    optional: bool = False


class SecretProjection(Object, frozen=True, kw_only=True):
    name: str = ""
    items: list[KeyToPath] = []
    optional: bool = False


class DownwardAPIProjection(Object, frozen=True, kw_only=True):
    items: list[DownwardAPIVolumeFile] = []


class VolumeProjection(Object, frozen=True, kw_only=True):
    """Exactly one is set."""

    config_map: ConfigMapProjection | None = None
    secret: SecretProjection | None = None
    downward_api: DownwardAPIProjection | None = msgspec.field(name="downwardAPI", default=None)


class ProjectedVolumeSource(Object, frozen=True, kw_only=True):
    sources: list[VolumeProjection] = []
    default_mode: int = DEFAULT_FILE_MODE


class EmptyDirVolumeSource(Object, frozen=True, kw_only=True):
    """`medium` is empty (disk), Memory, HugePages or HugePages-<size>."""

    medium: str = ""
    size_limit: Quantity | None = None


class HostPathVolumeSource(Object, frozen=True, kw_only=True):
    path: str
    type: str = ""


class ImageVolumeSource(Object, frozen=True, kw_only=True):
    reference: str = ""
    pull_policy: str = ""


class Volume(Object, frozen=True, kw_only=True):
    """Exactly one source is set."""

    name: str
    empty_dir: EmptyDirVolumeSource | None = None
    host_path: HostPathVolumeSource | None = None
    config_map: ConfigMapVolumeSource | None = None
    secret: SecretVolumeSource | None = None
    downward_api: DownwardAPIVolumeSource | None = msgspec.field(name="downwardAPI", default=None)
    projected: ProjectedVolumeSource | None = None
    image: ImageVolumeSource | None = None


Source = (
    EmptyDirVolumeSource
    | HostPathVolumeSource
    | ConfigMapVolumeSource
    | SecretVolumeSource
    | DownwardAPIVolumeSource
    | ProjectedVolumeSource
    | ImageVolumeSource
)
SOURCES = ("empty_dir", "host_path", "config_map", "secret", "downward_api", "projected", "image")


def source_of(volume: Volume) -> Source | None:
    """The one source that is set; None where the manifest names none, which Kubernetes reads as an emptyDir."""
    found: list[Any] = [getattr(volume, name) for name in SOURCES]
    return next((source for source in found if source is not None), None)


class VolumeMount(Object, frozen=True, kw_only=True):
    name: str
    mount_path: str
    sub_path: str = ""
    sub_path_expr: str = ""
    read_only: bool = False
    recursive_read_only: str = ""
    mount_propagation: str = ""
