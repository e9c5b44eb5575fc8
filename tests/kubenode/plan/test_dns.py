"""What stands in a pod's resolv.conf."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.facts import ResolvConf
from kubenode.model.settings import KubeletConfiguration, Settings
from kubenode.model.specs import Dns
from kubenode.plan.dns import dns
from support.plans import desired_pod

NODES = ResolvConf(("192.0.2.53",), ("corp.test",), ("rotate", "ndots:2"))
HOST = Dns(NODES.servers, NODES.searches, NODES.options)
CLUSTER = Dns(
    ("10.96.0.10",),
    ("default.svc.cluster.local", "svc.cluster.local", "cluster.local", "corp.test"),
    ("ndots:5",),
)


def _settings(**kubelet: Any) -> Settings:
    return Settings(kubelet=KubeletConfiguration(**kubelet), node_name="node")


STANDALONE = _settings()
IN_CLUSTER = _settings(cluster_dns=["10.96.0.10"], cluster_domain="cluster.local")
POLICIES = [
    ({}, STANDALONE, HOST),
    ({}, IN_CLUSTER, CLUSTER),
    ({"hostNetwork": True}, IN_CLUSTER, HOST),
    ({"hostNetwork": True, "dnsPolicy": "ClusterFirstWithHostNet"}, IN_CLUSTER, CLUSTER),
    ({"dnsPolicy": "ClusterFirstWithHostNet"}, STANDALONE, HOST),
    ({"dnsPolicy": "Default"}, IN_CLUSTER, HOST),
    ({"dnsPolicy": "Default"}, _settings(resolv_conf=""), Dns(("127.0.0.1",), (".",))),
    ({}, _settings(cluster_dns=["10.96.0.10"]), Dns(("10.96.0.10",), ("corp.test",), ("ndots:5",))),
    ({"dnsPolicy": "None", "dnsConfig": {"nameservers": ["192.0.2.9"]}}, IN_CLUSTER, Dns(("192.0.2.9",))),
]


@pytest.mark.parametrize(("spec", "settings", "expected"), POLICIES)
def test_policies(spec: dict[str, Any], settings: Settings, expected: Dns) -> None:
    assert dns(desired_pod(spec).pod, settings, NODES) == expected


def test_the_pods_own_is_added_and_its_options_replace() -> None:
    config = {
        "nameservers": ["192.0.2.9", "10.96.0.10"],
        "searches": ["mine.test", "cluster.local"],
        "options": [{"name": "ndots", "value": "1"}, {"name": "edns0"}, {"name": "timeout", "value": "2"}],
    }
    found = dns(desired_pod({"dnsConfig": config}).pod, IN_CLUSTER, NODES)
    assert found.servers == ("10.96.0.10", "192.0.2.9")
    assert found.searches == (*CLUSTER.searches, "mine.test")
    assert found.options == ("ndots:1", "edns0", "timeout:2")


def test_no_more_than_three_servers() -> None:
    nodes = msgspec.structs.replace(KubeletConfiguration(), cluster_dns=[f"10.0.0.{n}" for n in range(5)])
    found = dns(desired_pod().pod, Settings(kubelet=nodes, node_name="node"), NODES)
    assert found.servers == ("10.0.0.0", "10.0.0.1", "10.0.0.2")


@given(st.lists(st.integers(1, 300).map(lambda length: "d" * length), unique=True, max_size=60))
def test_searches_stay_within_the_limits_and_in_order(searches: list[str]) -> None:
    found = dns(desired_pod({"dnsPolicy": "Default"}).pod, STANDALONE, ResolvConf((), tuple(searches), ())).searches
    assert len(found) <= 32
    assert len(" ".join(found)) <= 2048
    short = [search for search in searches if len(search) <= 253]
    assert list(found) == short[: len(found)]
    left = short[len(found) : len(found) + 1]
    assert not left or len(found) == 32 or len(" ".join((*found, *left))) > 2048
