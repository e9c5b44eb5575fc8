# Copyright: The kubenode authors
# Apache License 2.0 (see LICENSE or https://www.apache.org/licenses/LICENSE-2.0)
"""Pods and containers of a listing as the variables and groups of hosts. Private to this collection."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from fnmatch import fnmatchcase
from typing import Any

from ansible_collections.kubenode.node.plugins.plugin_utils._asking import Way
from ansible_collections.kubenode.node.plugins.plugin_utils._library import library
from ansible_collections.kubenode.node.plugins.plugin_utils._unsafe import unsafe

CONNECTION = "kubenode.node.cri"
IMAGE_ID_DIGITS = 12

Facts = dict[str, Any]


def facts_of(pod: Mapping[str, Any], node: str, *, by_pod: bool) -> Iterator[Facts]:
    """The variables of the pod, or of each of its containers."""
    of_pod = {
        "cri_node": node,
        "cri_namespace": pod["namespace"],
        "cri_pod": pod["name"],
        "cri_pod_id": pod["id"],
        "cri_pod_uid": pod["uid"],
        "cri_pod_ips": pod["ips"],
        "cri_runtime_handler": pod["runtimeHandler"],
    }
    if by_pod:
        yield {
            **of_pod,
            "cri_state": pod["state"],
            "cri_attempt": pod["attempt"],
            "cri_created_at": _time(pod["createdAt"]),
            "cri_labels": pod["labels"],
            "cri_annotations": pod["annotations"],
            "cri_containers": [_container(one) for one in pod["containers"]],
        }
        return
    for one in pod["containers"]:
        of_it = _container(one)
        yield {
            **of_pod,
            "cri_container": of_it.pop("name"),
            "cri_container_id": of_it.pop("id"),
            **{f"cri_{name}": value for name, value in of_it.items()},
            "cri_labels": {**pod["labels"], **one["labels"]},
            "cri_annotations": {**pod["annotations"], **one["annotations"]},
        }


def connection_of(facts: Facts, way: Way) -> Facts:
    """The variables by which the host is reached."""
    optional = {
        "ansible_cri_node": way.host,
        "ansible_cri_executable": way.executable,
        "ansible_cri_runtime_endpoint": way.runtime_endpoint,
        "ansible_cri_sudo": way.sudo,
    }
    return {
        **way.kept,
        "ansible_connection": CONNECTION,
        "ansible_host": unsafe(called(facts)),
        **{name: value for name, value in optional.items() if value},
    }


def groups_of(facts: Facts, kinds: list[str]) -> Iterator[str]:
    """The groups of the kinds, without their prefix."""
    images = [facts["cri_image"]] if "cri_image" in facts else [one["image"] for one in facts["cri_containers"]]
    values = {
        "namespace": [facts["cri_namespace"]],
        "pod": [f"{facts['cri_namespace']}_{facts['cri_pod']}"],
        "image": [_repository(image) for image in images],
        "node": [facts["cri_node"]],
    }
    for kind in kinds:
        for value in dict.fromkeys(values[kind]):
            yield f"{kind}_{value}"


def names_of(facts: Facts) -> list[str]:
    """Namespace, pod, and the container if it is one."""
    return [facts[name] for name in ("cri_namespace", "cri_pod", "cri_container") if name in facts]


def called(facts: Facts) -> str:
    return "/".join(names_of(facts))


def has_labels(labels: Mapping[str, str], wanted: Mapping[str, Any]) -> bool:
    """YAML may have taken a value for a number or for a truth; null stands for any."""
    return all(
        name in labels
        and (value is None or labels[name] == (str(value).lower() if value in (True, False) else str(value)))
        for name, value in wanted.items()
    )


def fits(names: list[str], patterns: list[str]) -> bool:
    return not patterns or any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def _container(listed: Mapping[str, Any]) -> Facts:
    return {
        "name": listed["name"],
        "id": listed["id"],
        "image": listed["image"],
        "image_ref": listed["imageRef"],
        "state": listed["state"],
        "attempt": listed["attempt"],
        "created_at": _time(listed["createdAt"]),
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z")


def _repository(image: str) -> str:
    """An image may have no name left: then the beginning of its ID."""
    try:
        reference = library("kubenode.model.image_reference", f"The inventory plugin {CONNECTION}").parse(image)
    except ValueError:
        return image.rpartition(":")[2][:IMAGE_ID_DIGITS]
    return str(reference.familiar_name)
