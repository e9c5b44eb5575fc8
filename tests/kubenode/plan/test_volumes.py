"""What the volumes of a pod are to be."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.facts import NodeFacts
from kubenode.model.objects import ConfigMap, LocalObject, Secret, object_key
from kubenode.model.settings import KubenodeConfiguration, Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.model.volume_specs import ContentVolume, EmptyDir, HostPath, ImageVolume, VolumeSpec
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.volume_content import safe_path
from kubenode.plan.volume_state import directories, visible_names
from kubenode.plan.volumes import (
    expected_state,
    hosts_path,
    looked_at,
    pod_directory,
    termination_log_path,
    volume_specs,
)
from support.plans import desired_pod

SETTINGS = Settings(
    kubenode=KubenodeConfiguration(root_directory="/var/lib/kubelet", local_objects_path="/etc/objects"),
    node_name="node",
)
NODE = NodeFacts(memory=8 * 2**30)
VOLUMES = "/var/lib/kubelet/pods/u1/volumes"


def config_map(name: str, values: Mapping[str, str]) -> ConfigMap:
    fields = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": dict(values)}
    return msgspec.convert(fields, ConfigMap)


def secret(name: str, values: Mapping[str, str]) -> Secret:
    fields = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": dict(values)}
    return msgspec.convert(fields, Secret)


OBJECTS = (config_map("app", {"a": "A", "b": "B"}), secret("keys", {"token": "hush", "a": "S"}))


def pod_with(source: Mapping[str, Any], objects: tuple[LocalObject, ...] = OBJECTS, **spec: Any) -> DesiredPod:
    desired = desired_pod({"volumes": [{"name": "v", **source}], **spec})
    return dataclasses.replace(desired, objects={object_key(one): one for one in objects})


def spec_of(source: Mapping[str, Any], node: NodeFacts = NODE, **spec: Any) -> VolumeSpec:
    specs, missing = volume_specs(pod_with(source, **spec), SETTINGS, node)
    assert missing == {}
    return specs["v"]


def content(source: Mapping[str, Any], **spec: Any) -> dict[str, tuple[bytes, str]]:
    """Path to data and mode, as far as the volume has files."""
    found = spec_of(source, **spec)
    assert isinstance(found, ContentVolume)
    return {file.path: (file.data, oct(file.mode)) for file in found.files}


def why_not(source: Mapping[str, Any], **spec: Any) -> str:
    specs, missing = volume_specs(pod_with(source, **spec), SETTINGS, NODE)
    assert specs == {}
    return missing["v"]


def test_paths_are_the_kubelets() -> None:
    pod = desired_pod().pod
    assert pod_directory(pod, SETTINGS) == "/var/lib/kubelet/pods/u1"
    assert hosts_path(pod, SETTINGS) == "/var/lib/kubelet/pods/u1/etc-hosts"
    assert termination_log_path(pod, SETTINGS, "app", 2) == "/var/lib/kubelet/pods/u1/containers/app/2"


@pytest.mark.parametrize(
    ("source", "directory", "memory"),
    [
        ({"configMap": {"name": "app"}}, "kubernetes.io~configmap", False),
        ({"secret": {"secretName": "keys"}}, "kubernetes.io~secret", True),
        ({"downwardAPI": {}}, "kubernetes.io~downward-api", True),
        ({"projected": {}}, "kubernetes.io~projected", True),
    ],
)
def test_content_stands_where_the_kubelet_has_it(source: dict[str, Any], directory: str, memory: bool) -> None:
    found = spec_of(source)
    assert isinstance(found, ContentVolume)
    assert (found.directory, found.memory) == (f"{VOLUMES}/{directory}/v", memory)


@pytest.mark.parametrize(
    ("source", "files"),
    [
        ({"configMap": {"name": "app"}}, {"a": (b"A", "0o644"), "b": (b"B", "0o644")}),
        ({"configMap": {"name": "app", "defaultMode": 0o400}}, {"a": (b"A", "0o400"), "b": (b"B", "0o400")}),
        (
            {"configMap": {"name": "app", "items": [{"key": "a", "path": "x/y", "mode": 0o600}]}},
            {"x/y": (b"A", "0o600")},
        ),
        ({"configMap": {"name": "none", "optional": True}}, {}),
        (
            {"configMap": {"name": "app", "optional": True, "items": [{"key": "no", "path": "n"}]}},
            {},
        ),
        (
            {"secret": {"secretName": "keys", "items": [{"key": "token", "path": "t"}]}},
            {"t": (b"hush", "0o644")},
        ),
        (
            {
                "downwardAPI": {
                    "items": [
                        {"path": "name", "fieldRef": {"fieldPath": "metadata.name"}},
                        {
                            "path": "cpu",
                            "mode": 0o640,
                            "resourceFieldRef": {"containerName": "app", "resource": "requests.cpu"},
                        },
                    ]
                }
            },
            {"name": (b"web-node", "0o644"), "cpu": (b"0", "0o640")},
        ),
        (
            {
                "projected": {
                    "defaultMode": 0o440,
                    "sources": [
                        {"configMap": {"name": "app"}},
                        {"secret": {"name": "keys", "items": [{"key": "a", "path": "a"}]}},
                        {"downwardAPI": {"items": [{"path": "d/n", "fieldRef": {"fieldPath": "metadata.uid"}}]}},
                    ],
                }
            },
            {"a": (b"S", "0o440"), "b": (b"B", "0o440"), "d/n": (b"u1", "0o440")},
        ),
    ],
)
def test_content_of_volumes(source: dict[str, Any], files: dict[str, tuple[bytes, str]]) -> None:
    assert content(source) == files


def test_labels_and_annotations_are_sorted_lines() -> None:
    desired = pod_with({"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels"}}]}})
    metadata = msgspec.structs.replace(desired.pod.metadata, labels={"b": 'say "x"', "a": "1"})
    desired = dataclasses.replace(desired, pod=msgspec.structs.replace(desired.pod, metadata=metadata))
    specs, _ = volume_specs(desired, SETTINGS, NODE)
    found = specs["v"]
    assert isinstance(found, ContentVolume)
    assert found.files[0].data == b'a="1"\nb="say \\"x\\""'


def test_fs_group_may_read_what_it_could_not() -> None:
    source = {"secret": {"secretName": "keys", "defaultMode": 0o400, "items": [{"key": "a", "path": "a"}]}}
    assert content(source, securityContext={"fsGroup": 1000}) == {"a": (b"S", "0o440")}


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        ({"configMap": {"name": "none"}}, "ConfigMap default/none is missing: put its manifest into /etc/objects"),
        ({"secret": {"secretName": "none"}}, "Secret default/none is missing"),
        ({"configMap": {"name": "app", "items": [{"key": "x", "path": "x"}]}}, "ConfigMap default/app has no key 'x'"),
        ({"configMap": {"name": "app", "items": [{"key": "a", "path": "../x"}]}}, "'../x' is not a path below"),
        ({"configMap": {"name": "app", "items": [{"key": "a", "path": "/x"}]}}, "'/x' is not a path below"),
        ({"configMap": {"name": "app", "items": [{"key": "a", "path": "..data"}]}}, "'..data' is not a path below"),
        (
            {"configMap": {"name": "app", "items": [{"key": "a", "path": "x"}, {"key": "b", "path": "x/y"}]}},
            "'x' is a file and cannot hold 'x/y'",
        ),
        ({"downwardAPI": {"items": [{"path": "x"}]}}, "'x' has no source"),
        ({"downwardAPI": {"items": [{"path": "x", "fieldRef": {"fieldPath": "spec.no"}}]}}, "'spec.no'"),
        (
            {
                "downwardAPI": {
                    "items": [
                        {"path": "x", "resourceFieldRef": {"containerName": "no", "resource": "limits.cpu"}},
                    ]
                }
            },
            "container 'no'",
        ),
        ({"emptyDir": {"medium": "Floppy"}}, "'Floppy' is no medium"),
        ({"emptyDir": {"medium": "HugePages-lots"}}, "'lots' is not a quantity"),
        ({"emptyDir": {"medium": "HugePages"}}, "they ask for 0"),
        ({"emptyDir": {"sizeLimit": "much"}}, "'much' is not a quantity"),
    ],
)
def test_what_is_missing_is_said(source: dict[str, Any], sentence: str) -> None:
    assert sentence in why_not(source)


def test_a_secrets_values_are_in_no_representation() -> None:
    found = spec_of({"secret": {"secretName": "keys"}})
    assert "hush" not in repr(found)
    assert "hush" not in expected_state(found)


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ({}, EmptyDir("v", f"{VOLUMES}/kubernetes.io~empty-dir/v")),
        (
            {"emptyDir": {"sizeLimit": "1Mi"}},
            EmptyDir("v", f"{VOLUMES}/kubernetes.io~empty-dir/v", "", 2**20),
        ),
        (
            {"emptyDir": {"medium": "Memory"}},
            EmptyDir("v", f"{VOLUMES}/kubernetes.io~empty-dir/v", "Memory", 8 * 2**30),
        ),
        (
            {"emptyDir": {"medium": "Memory", "sizeLimit": "1Mi"}},
            EmptyDir("v", f"{VOLUMES}/kubernetes.io~empty-dir/v", "Memory", 2**20),
        ),
        (
            {"emptyDir": {"medium": "HugePages-2Mi"}},
            EmptyDir("v", f"{VOLUMES}/kubernetes.io~empty-dir/v", "HugePages-2Mi"),
        ),
        ({"hostPath": {"path": "/data", "type": "Directory"}}, HostPath("v", "/data", "Directory")),
        (
            {"image": {"reference": "r.test/i:1", "pullPolicy": "Always"}},
            ImageVolume("v", "r.test/i:1", "Always"),
        ),
    ],
)
def test_volumes_without_content(source: dict[str, Any], wanted: VolumeSpec) -> None:
    assert spec_of(source) == wanted


def test_memory_is_no_larger_than_what_the_pod_may_use() -> None:
    container = {"name": "app", "resources": {"limits": {"memory": "64Mi"}}}
    found = spec_of({"emptyDir": {"medium": "Memory"}}, containers=[container])
    assert isinstance(found, EmptyDir)
    assert found.size_limit == 64 * 2**20


def test_huge_pages_are_of_the_size_that_containers_ask_for() -> None:
    container = {"name": "app", "resources": {"limits": {"hugepages-1Gi": "2Gi"}}}
    found = spec_of({"emptyDir": {"medium": "HugePages"}}, containers=[container])
    assert isinstance(found, EmptyDir)
    assert found.medium == "HugePages-1Gi"


def test_a_volume_whose_object_is_gone_is_still_looked_at() -> None:
    desired = pod_with({"configMap": {"name": "none"}})
    assert volume_specs(desired, SETTINGS, NODE)[0] == {}
    assert looked_at(desired, SETTINGS, NODE) == {
        "v": ContentVolume("v", f"{VOLUMES}/kubernetes.io~configmap/v", (), False)
    }


@pytest.mark.parametrize("name", ["..", ".", "", "a/../../b", "/x"])
def test_a_name_that_leads_elsewhere_is_refused(name: str) -> None:
    desired = desired_pod({"volumes": [{"name": name, "emptyDir": {}}]})
    specs, missing = volume_specs(desired, SETTINGS, NODE)
    assert specs == {}
    assert "cannot name a volume" in missing[name]


@given(st.text(alphabet="./ab\0", max_size=12))
def test_no_path_leads_out_of_its_volume_or_over_its_updates(path: str) -> None:
    """Whatever is accepted names, one by one, things below the root; the rest is refused."""
    try:
        assert safe_path(path) == path
    except UnrunnableError:
        return
    parts = path.split("/")
    assert all(part not in ("", ".", "..") and "\0" not in part for part in parts)
    assert not parts[0].startswith("..")


@given(st.lists(st.text(alphabet="ab./", min_size=1, max_size=8), max_size=5))
def test_files_and_their_directories_stand_below_the_volume(paths: list[str]) -> None:
    items = [{"key": "a", "path": path} for path in paths]
    desired = pod_with({"configMap": {"name": "app", "items": items}} if items else {"downwardAPI": {}})
    specs, missing = volume_specs(desired, SETTINGS, NODE)
    assert len(specs) + len(missing) == 1
    for spec in specs.values():
        assert isinstance(spec, ContentVolume)
        known = {*directories(spec), *(file.path for file in spec.files)}
        assert {path.split("/")[0] for path in known} == visible_names(spec)
        assert not any(part in ("", ".", "..") for path in known for part in path.split("/"))


def test_state_changes_with_anything_that_readers_see() -> None:
    states = [
        expected_state(spec_of(source, securityContext=context))
        for source, context in (
            ({"configMap": {"name": "app"}}, {}),
            ({"configMap": {"name": "app", "defaultMode": 0o600}}, {}),
            ({"configMap": {"name": "app", "items": [{"key": "a", "path": "a"}]}}, {}),
            ({"configMap": {"name": "app", "items": [{"key": "b", "path": "a"}]}}, {}),
            ({"configMap": {"name": "app", "items": [{"key": "a", "path": "d/a"}]}}, {}),
            ({"configMap": {"name": "app"}}, {"fsGroup": 7}),
            ({"projected": {"sources": [{"configMap": {"name": "app"}}]}}, {}),
            ({"emptyDir": {}}, {}),
            ({"emptyDir": {"medium": "Memory"}}, {}),
        )
    ]
    assert len(set(states)) == len(states)
