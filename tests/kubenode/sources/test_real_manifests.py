"""Manifests as they stand on real nodes: the control plane and the usual daemons, read and accepted.

`cluster` holds what needs an API server, `static` the same as a node alone can run it.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.sources.manifest import RefusedError, read_pod

MANIFESTS = Path(__file__).parents[1] / "manifests"
STATIC = sorted((MANIFESTS / "static").glob("*.yaml"))


@pytest.mark.parametrize("path", STATIC, ids=lambda path: path.stem)
def test_it_is_accepted(path: Path) -> None:
    pod = read_pod(path.read_bytes())
    assert pod.spec.containers[0].image.startswith("registry.example/")


def test_what_they_say_is_understood() -> None:
    pods = {path.stem: read_pod(path.read_bytes()) for path in STATIC}
    shipper = pods["fluent-bit"].spec
    assert shipper.volumes[0].config_map is not None
    assert shipper.volumes[0].config_map.default_mode == 0o440
    assert (shipper.tolerations, shipper.containers[0].resources.requests) == ([], {})
    assert pods["etcd"].metadata.creation_timestamp is None
    assert [container.restart_policy for container in pods["cni"].spec.init_containers] == ["", "", ""]
    probe = pods["kube-apiserver"].spec.containers[0].startup_probe
    assert probe is not None
    assert (probe.failure_threshold, probe.success_threshold) == (24, 1)


def test_a_token_is_refused_and_why_is_told() -> None:
    path = MANIFESTS / "cluster" / "token.yaml"
    with pytest.raises(RefusedError) as raised:
        read_pod(path.read_bytes())
    assert raised.value.reason == (
        "$.spec.volumes[0].projected.sources[0].serviceAccountToken: "
        "a static pod cannot have it: tokens are issued by an API server"
    )
    assert "serviceAccountToken" in path.read_text().splitlines()[raised.value.line - 1]
