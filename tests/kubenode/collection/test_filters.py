"""The filters, and where they find the library."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kubenode.node.plugins.filter.image_reference import image_reference
from ansible_collections.kubenode.node.plugins.filter.k8s_quantity import k8s_quantity
from ansible_collections.kubenode.node.plugins.filter.pod_qos import pod_qos
from ansible_collections.kubenode.node.plugins.filter.static_pod_name import static_pod_name

COLLECTIONS = Path(__file__).resolve().parents[3] / ".collections"
QUANTITIES = [
    ("500m", {}, 0.5),
    ("1Gi", {}, 1073741824),
    (0.5, {}, 0.5),
    (2, {}, 2),
    ("2.000", {}, 2),
    ("1Gi", {"unit": "Mi"}, 1024),
    ("0.5", {"unit": "m"}, 500),
    ("1M", {"unit": "Mi"}, 1000000 / 1048576),
    (1610612736, {"to": "binary"}, "1536Mi"),
    ("0.25", {"to": "decimal"}, "250m"),
    ("1Gi", {"to": "binary"}, "1Gi"),
]


@pytest.mark.parametrize(("value", "options", "expected"), QUANTITIES)
def test_quantity(value: Any, options: dict[str, str], expected: Any) -> None:
    found = k8s_quantity(value, **options)
    assert (found, type(found)) == (expected, type(expected))


BAD_QUANTITIES: list[tuple[Any, dict[str, str], str]] = [
    ("1 GB", {}, "'1 GB' is not a quantity: write a number with a suffix"),
    (True, {}, "'True' is not a quantity"),
    ({}, {}, "'{}' is not a quantity"),
    ("1", {"unit": "KB"}, "'KB' is not a quantity's suffix"),
    ("1", {"to": "text"}, "to is one of number, binary, decimal"),
    ("1", {"to": "binary", "unit": "Mi"}, "unit goes with number"),
]


@pytest.mark.parametrize(("value", "options", "why"), BAD_QUANTITIES)
def test_no_quantity(value: Any, options: dict[str, str], why: str) -> None:
    with pytest.raises(AnsibleFilterError) as caught:
        k8s_quantity(value, **options)
    assert why in str(caught.value)


def test_image_reference() -> None:
    assert image_reference("redis:8.2") == {
        "registry": "docker.io",
        "repository": "library/redis",
        "tag": "8.2",
        "digest": None,
        "name": "docker.io/library/redis",
        "familiar": "redis:8.2",
        "full": "docker.io/library/redis:8.2",
        "server": "registry-1.docker.io",
    }
    with pytest.raises(AnsibleFilterError, match=r"'Redis' is not an image reference: .* lower case"):
        image_reference("Redis")
    with pytest.raises(AnsibleFilterError, match="text, and not int"):
        image_reference(5)


def test_pod_qos() -> None:
    resources = {"limits": {"cpu": 1, "memory": "1Gi"}}
    assert pod_qos({"spec": {"containers": [{"resources": resources}]}}) == "Guaranteed"
    with pytest.raises(AnsibleFilterError, match="this is no pod"):
        pod_qos({})
    with pytest.raises(AnsibleFilterError, match="dictionary, and not str"):
        pod_qos("web")


def test_static_pod_name() -> None:
    assert static_pod_name("web", "Node-1") == "web-node-1"
    assert static_pod_name({"metadata": {"name": "web"}}, "node-1") == "web-node-1"
    for nothing in ("", {}, {"metadata": None}, {"metadata": {"name": None}}, 5):
        with pytest.raises(AnsibleFilterError, match="the pod has no name"):
            static_pod_name(nothing, "node-1")
    with pytest.raises(AnsibleFilterError, match="the node's name is missing"):
        static_pod_name("web", None)


FIND = """
import sys
sys.path[:] = [place for place in sys.path if not place.rstrip('/').endswith('/cli')]
sys.meta_path[:] = [finder for finder in sys.meta_path if 'editable' not in repr(finder)]
for name in {hidden}:
    sys.modules[name] = None
sys.path.append({collections!r})
from ansible_collections.kubenode.node.plugins.filter.{filter} import {filter}
print({filter}(*{arguments}))
"""


def _in_a_process(name: str, *arguments: Any, hidden: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    """The filter where no library is installed; `hidden` packages are not there either."""
    script = FIND.format(hidden=hidden, collections=str(COLLECTIONS), filter=name, arguments=arguments)
    return subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True)


def test_the_collection_brings_the_library_along() -> None:
    assert _in_a_process("k8s_quantity", "1Ki", hidden=("msgspec",)).stdout == "1024\n"
    assert _in_a_process("static_pod_name", "web", "node").stdout == "web-node\n"


def test_a_package_that_is_missing_is_named() -> None:
    done = _in_a_process("static_pod_name", "web", "node", hidden=("msgspec",))
    said = done.stderr.splitlines()[-1]
    assert said.removeprefix("ansible.errors.AnsibleError: ") == (
        "The filter kubenode.node.static_pod_name needs the Python package msgspec: "
        f"install it for {sys.executable}, which runs Ansible here."
    )
