"""What of a pod's volumes a container sees."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.specs import Mount, Propagation
from kubenode.model.volume_specs import SubPath
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.volumes import container_mounts
from support.plans import desired_pod, settings

VOLUMES = [
    {"name": "e", "emptyDir": {}},
    {"name": "h", "hostPath": {"path": "/data"}},
    {"name": "c", "configMap": {"name": "app"}},
    {"name": "s", "secret": {"secretName": "s"}},
    {"name": "i", "image": {"reference": "r.test/i:1"}},
]
POD = "/var/lib/kubelet/pods/u1"
ENV = {"NAME": "web", "UP": "../..", "ROOT": "/etc", "EMPTY": "", "TICK": "`id`"}


def mounts(*of: dict[str, Any], able: bool = False) -> tuple[tuple[Mount, ...], tuple[SubPath, ...]]:
    """`able`: whether the runtime can mount recursively read-only."""
    made = desired_pod({"containers": [{"name": "app", "volumeMounts": list(of)}], "volumes": VOLUMES})
    desired = dataclasses.replace(made, recursive_read_only=able)
    return container_mounts(desired.pod.spec.containers[0], desired, ENV, settings())


def test_each_kind_of_volume() -> None:
    found, parts = mounts(*({"name": name, "mountPath": f"/{name}"} for name in "ehcsi"))
    assert found == (
        Mount("/e", f"{POD}/volumes/kubernetes.io~empty-dir/e"),
        Mount("/h", "/data"),
        Mount("/c", f"{POD}/volumes/kubernetes.io~configmap/c", read_only=True),
        Mount("/s", f"{POD}/volumes/kubernetes.io~secret/s", read_only=True),
        Mount("/i", read_only=True, image="r.test/i:1"),
    )
    assert parts == ()


def test_parents_come_before_what_is_mounted_in_them() -> None:
    found, _ = mounts(
        {"name": "e", "mountPath": "/a/b/c"}, {"name": "h", "mountPath": "/a"}, {"name": "c", "mountPath": "/a//b/"}
    )
    assert [mount.container_path for mount in found] == ["/a", "/a//b/", "/a/b/c"]


@given(st.lists(st.lists(st.sampled_from("ab"), min_size=1, max_size=4).map("/".join), max_size=6))
def test_no_mount_hides_an_earlier_one(paths: list[str]) -> None:
    found, _ = mounts(*({"name": "e", "mountPath": f"/{path}"} for path in paths))
    shown = [mount.container_path for mount in found]
    assert sorted(shown) == sorted(f"/{path}" for path in paths)
    assert not any(earlier.startswith(f"{later}/") for index, later in enumerate(shown) for earlier in shown[:index])


def test_a_part_of_a_volume_is_bound_at_a_place_of_its_own() -> None:
    found, parts = mounts(
        {"name": "h", "mountPath": "/all"},
        {"name": "h", "mountPath": "/part", "subPath": "x//./y/", "readOnly": True},
        {"name": "e", "mountPath": "/mine", "subPathExpr": "$(NAME)/$$1"},
    )
    target = f"{POD}/volume-subpaths"
    assert [mount.host_path for mount in found] == ["/data", f"{target}/h/app/1", f"{target}/e/app/2"]
    assert parts == (
        SubPath("/data", "x/y", f"{target}/h/app/1", read_only=True),
        SubPath(f"{POD}/volumes/kubernetes.io~empty-dir/e", "web/$1", f"{target}/e/app/2"),
    )


def test_a_part_of_an_image_is_the_runtimes() -> None:
    found, parts = mounts({"name": "i", "mountPath": "/i", "subPath": "bin"})
    assert found == (Mount("/i", read_only=True, image="r.test/i:1", image_sub_path="bin"),)
    assert parts == ()


def test_read_only_and_propagation() -> None:
    found, _ = mounts(
        {"name": "h", "mountPath": "/r", "readOnly": True, "recursiveReadOnly": "Enabled"},
        {"name": "h", "mountPath": "/m", "readOnly": True, "recursiveReadOnly": "IfPossible"},
        {"name": "h", "mountPath": "/p", "mountPropagation": "Bidirectional"},
        {"name": "h", "mountPath": "/q", "mountPropagation": "HostToContainer"},
        able=True,
    )
    assert found == (
        Mount("/r", "/data", read_only=True, recursive_read_only=True),
        Mount("/m", "/data", read_only=True, recursive_read_only=True),
        Mount("/p", "/data", propagation=Propagation.BIDIRECTIONAL),
        Mount("/q", "/data", propagation=Propagation.HOST_TO_CONTAINER),
    )


def test_a_runtime_that_cannot_mount_recursively_is_not_asked() -> None:
    mount = {"name": "h", "mountPath": "/m", "readOnly": True}
    found, _ = mounts({**mount, "recursiveReadOnly": "IfPossible"})
    assert found == (Mount("/m", "/data", read_only=True),)
    with pytest.raises(UnrunnableError, match="more than this node's runtime can"):
        mounts({**mount, "recursiveReadOnly": "Enabled"})


def test_mounts_of_containers_in_a_part_are_seen_on_the_node() -> None:
    _, parts = mounts({"name": "h", "mountPath": "/p", "subPath": "x", "mountPropagation": "Bidirectional"})
    assert parts[0].shared


@pytest.mark.parametrize(
    ("mount", "sentence"),
    [
        ({"name": "none"}, "no such volume"),
        ({"name": "e", "subPath": "/etc"}, "absolute"),
        ({"name": "e", "subPath": "a/../../b"}, "leads upwards"),
        ({"name": "e", "subPathExpr": "$(ROOT)"}, "absolute"),
        ({"name": "e", "subPathExpr": "a/$(UP)"}, "leads upwards"),
        ({"name": "e", "subPathExpr": "a/$(TICK)"}, "looks unfinished"),
        ({"name": "e", "subPathExpr": "$$(NAME)"}, "looks unfinished"),
        ({"name": "e", "subPathExpr": "$(NONE)/$(EMPTY)/$(NAME)"}, "uses EMPTY, NONE, not set"),
        ({"name": "i", "subPath": "../x"}, "leads upwards"),
        ({"name": "h", "mountPropagation": "Everywhere"}, "'Everywhere' is not one of None"),
        ({"name": "h", "recursiveReadOnly": "Yes"}, "'Yes' is not one of Disabled"),
        ({"name": "h", "recursiveReadOnly": "Enabled"}, "needs readOnly: true"),
        (
            {
                "name": "h",
                "readOnly": True,
                "recursiveReadOnly": "Enabled",
                "mountPropagation": "HostToContainer",
            },
            "no mountPropagation",
        ),
    ],
)
def test_refusals(mount: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UnrunnableError, match="mount of volume") as refused:
        mounts({"mountPath": "/m", **mount})
    assert refused.value.reason == "CreateContainerConfigError"
    assert sentence in refused.value.message


@given(st.text(alphabet="./a$()\0NAMEUP", max_size=20), st.sampled_from(["subPath", "subPathExpr"]))
def test_no_part_is_outside_its_volume(path: str, field: str) -> None:
    try:
        found, parts = mounts({"name": "e", "mountPath": "/m", field: path})
    except UnrunnableError:
        return
    assert len(found) == 1
    for part in parts:
        assert not part.path.startswith("/")
        assert all(name not in ("", ".", "..") and "\0" not in name for name in part.path.split("/"))
