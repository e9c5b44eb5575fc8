"""Volumes: each has one source that a node alone can provide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

from kubenode.model.pod import PodSpec
from kubenode.model.validation.environment import (
    FILE_FIELDS,
    data_key,
    field_problems,
    resource_field_problems,
)
from kubenode.model.validation.resources import amount_problems
from kubenode.model.validation.rules import (
    Names,
    Problem,
    descending,
    exactly_one,
    label,
    mode,
    no_nul,
    one_of,
    quoted,
    subdomain,
    unique,
)
from kubenode.model.volumes import (
    SOURCES,
    DownwardAPIVolumeFile,
    EmptyDirVolumeSource,
    HostPathVolumeSource,
    ImageVolumeSource,
    KeyToPath,
    ProjectedVolumeSource,
    Volume,
)

HOST_PATH_TYPES = (
    *("", "DirectoryOrCreate", "Directory", "FileOrCreate", "File", "Socket", "CharDevice", "BlockDevice"),
)
MEDIA = ("", "Memory", "HugePages")
HUGE_PAGES = "HugePages-"
PROJECTIONS = ("config_map", "secret", "downward_api")


def volume_problems(spec: PodSpec, known: Names, path: str) -> Iterator[Problem]:
    for index, volume in enumerate(spec.volumes):
        where = f"{path}[{index}]"
        yield from label(f"{where}.name", volume.name)
        yield from exactly_one(where, volume, SOURCES, none_too=True)
        yield from _source(volume, known, where)
    yield from unique(((f"{path}[{n}].name", one.name) for n, one in enumerate(spec.volumes)), "a volume called")


def _source(volume: Volume, known: Names, path: str) -> Iterator[Problem]:
    if volume.empty_dir:
        yield from _empty_dir(volume.empty_dir, f"{path}.emptyDir")
    if volume.host_path:
        yield from _host_path(volume.host_path, f"{path}.hostPath")
    if volume.config_map:
        yield from subdomain(f"{path}.configMap.name", volume.config_map.name)
        yield from _keys(volume.config_map.items, volume.config_map.default_mode, f"{path}.configMap")
    if volume.secret:
        yield from subdomain(f"{path}.secret.secretName", volume.secret.secret_name)
        yield from _keys(volume.secret.items, volume.secret.default_mode, f"{path}.secret")
    if volume.downward_api:
        yield from mode(f"{path}.downwardAPI.defaultMode", volume.downward_api.default_mode)
        yield from _files(volume.downward_api.items, known, f"{path}.downwardAPI.items")
    if volume.projected:
        yield from _projected(volume.projected, known, f"{path}.projected")
    if volume.image:
        yield from _image(volume.image, f"{path}.image")


def _empty_dir(source: EmptyDirVolumeSource, path: str) -> Iterator[Problem]:
    where = f"{path}.medium"
    if source.medium.startswith(HUGE_PAGES):
        for problem in amount_problems(source.medium.removeprefix(HUGE_PAGES), where, positive=True):
            yield Problem(
                where, f"after {HUGE_PAGES} stands the size of a page, as in HugePages-2Mi: {problem.message}"
            )
    else:
        yield from one_of(where, source.medium, MEDIA)
    if source.size_limit is not None:
        yield from amount_problems(source.size_limit, f"{path}.sizeLimit")


def _host_path(source: HostPathVolumeSource, path: str) -> Iterator[Problem]:
    where = f"{path}.path"
    if not source.path.startswith("/"):
        yield Problem(where, f"{quoted(source.path)} is not an absolute path")
    if ".." in source.path.split("/"):
        yield Problem(where, f"{quoted(source.path)} holds '..': write the path that is meant")
    yield from no_nul(where, source.path)
    yield from one_of(f"{path}.type", source.type, HOST_PATH_TYPES)


def _keys(items: list[KeyToPath], default_mode: int | None, path: str) -> Iterator[Problem]:
    yield from mode(f"{path}.defaultMode", default_mode)
    for index, item in enumerate(items):
        where = f"{path}.items[{index}]"
        yield from data_key(f"{where}.key", item.key)
        yield from file_path(f"{where}.path", item.path)
        yield from mode(f"{where}.mode", item.mode)


def _files(items: list[DownwardAPIVolumeFile], known: Names, path: str) -> Iterator[Problem]:
    for index, item in enumerate(items):
        where = f"{path}[{index}]"
        yield from file_path(f"{where}.path", item.path)
        yield from mode(f"{where}.mode", item.mode)
        yield from exactly_one(where, item, ("field_ref", "resource_field_ref"))
        if item.field_ref:
            yield from field_problems(item.field_ref, f"{where}.fieldRef", FILE_FIELDS)
        if item.resource_field_ref:
            reference = f"{where}.resourceFieldRef"
            yield from resource_field_problems(item.resource_field_ref, known, reference, in_volume=True)


def _projected(source: ProjectedVolumeSource, known: Names, path: str) -> Iterator[Problem]:
    yield from mode(f"{path}.defaultMode", source.default_mode)
    for index, part in enumerate(source.sources):
        where = f"{path}.sources[{index}]"
        yield from exactly_one(where, part, PROJECTIONS)
        if part.config_map:
            yield from subdomain(f"{where}.configMap.name", part.config_map.name)
            yield from _keys(part.config_map.items, None, f"{where}.configMap")
        if part.secret:
            yield from subdomain(f"{where}.secret.name", part.secret.name)
            yield from _keys(part.secret.items, None, f"{where}.secret")
        if part.downward_api:
            yield from _files(part.downward_api.items, known, f"{where}.downwardAPI.items")
    yield from unique(_projected_paths(source, f"{path}.sources"), "the path")


def _projected_paths(source: ProjectedVolumeSource, path: str) -> Iterator[tuple[str, str]]:
    for index, part in enumerate(source.sources):
        for name, field in (("config_map", "configMap"), ("secret", "secret"), ("downward_api", "downwardAPI")):
            projection = getattr(part, name)
            items = cast("list[KeyToPath | DownwardAPIVolumeFile]", projection.items) if projection else []
            for n, item in enumerate(items):
                yield f"{path}[{index}].{field}.items[{n}].path", item.path


def _image(source: ImageVolumeSource, path: str) -> Iterator[Problem]:
    if not source.reference or source.reference != source.reference.strip():
        yield Problem(f"{path}.reference", f"{quoted(source.reference)} is not an image reference")
    yield from one_of(f"{path}.pullPolicy", source.pull_policy, ("", "Always", "IfNotPresent", "Never"))


def file_path(path: str, text: str) -> Iterator[Problem]:
    """The path of a file in a volume. Names that begin with `..` are the atomic writer's own."""
    if not text:
        yield Problem(path, "a path is needed")
    yield from descending(path, text)
    if text.startswith("..") and ".." not in text.split("/"):
        yield Problem(path, f"{quoted(text)} begins with '..', as only files of the volume's own do")
