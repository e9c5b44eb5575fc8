"""What a pod is called, and its /etc/hosts."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.settings import KubeletConfiguration, Settings
from kubenode.model.specs import HostsFile
from kubenode.plan.hosts import hostname, hosts_file, hosts_text, mounts_hosts
from kubenode.plan.problems import UnrunnableError
from support.plans import desired_pod

SETTINGS = Settings(kubelet=KubeletConfiguration(cluster_domain="cluster.local"), node_name="node")
STANDALONE = Settings(node_name="node")
LOCAL = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
fe00::0\tip6-mcastprefix
fe00::1\tip6-allnodes
fe00::2\tip6-allrouters
"""

NAMES = [
    ({}, "web-node", ("web-node",)),
    ({"hostname": "mine"}, "mine", ("mine",)),
    ({"hostname": "mine", "subdomain": "sub"}, "mine", ("mine.sub.default.svc.cluster.local", "mine")),
    (
        {"hostname": "mine", "subdomain": "sub", "setHostnameAsFQDN": True},
        "mine.sub.default.svc.cluster.local",
        ("mine.sub.default.svc.cluster.local", "mine"),
    ),
    ({"setHostnameAsFQDN": True}, "web-node", ("web-node",)),
    ({"hostname": "mine", "subdomain": "sub", "hostnameOverride": "a.b"}, "a.b", ("a.b",)),
]


@pytest.mark.parametrize(("spec", "kernel", "names"), NAMES)
def test_names(spec: dict[str, Any], kernel: str, names: tuple[str, ...]) -> None:
    desired = desired_pod(spec)
    assert hostname(desired.pod, SETTINGS) == kernel
    file = hosts_file(desired, SETTINGS)
    assert file is not None
    assert (file.hostnames, file.path) == (names, "/var/lib/kubelet/pods/u1/etc-hosts")


def test_without_a_cluster_domain_the_name_has_no_dot_at_its_end() -> None:
    file = hosts_file(desired_pod({"hostname": "mine", "subdomain": "sub"}), STANDALONE)
    assert file is not None
    assert file.hostnames[0] == "mine.sub.default.svc"


def test_a_full_name_that_the_kernel_does_not_take_is_told() -> None:
    spec = {"hostname": "h" * 40, "subdomain": "sub", "setHostnameAsFQDN": True}
    with pytest.raises(UnrunnableError, match="64") as caught:
        hostname(desired_pod(spec).pod, SETTINGS)
    assert caught.value.reason == "FailedCreatePodSandBox"


def test_on_the_nodes_network_the_pod_has_the_nodes_name_and_file() -> None:
    desired = desired_pod({"hostNetwork": True, "hostname": "mine"})
    assert (hostname(desired.pod, SETTINGS), hosts_file(desired, SETTINGS)) == ("", None)


ALIASES = {"hostAliases": [{"ip": "192.0.2.7", "hostnames": ["a.test", "b.test"]}, {"ip": "::7", "hostnames": ["c"]}]}


def _entries(text: str) -> list[str]:
    return [line for line in text.splitlines() if not line.startswith("#")]


def test_the_file() -> None:
    file = hosts_file(desired_pod({"hostname": "mine", "subdomain": "sub", **ALIASES}), SETTINGS)
    assert file is not None
    text = hosts_text(file, ("10.0.0.9", "fd00::9"))
    full = "mine.sub.default.svc.cluster.local"
    own = [f"10.0.0.9\t{full}\tmine", f"fd00::9\t{full}\tmine"]
    assert _entries(text) == [*LOCAL.splitlines(), *own, "192.0.2.7\ta.test\tb.test", "::7\tc"]
    assert text.endswith("\n")


def test_aliases_on_the_nodes_network_are_added_to_the_nodes_file() -> None:
    file = hosts_file(desired_pod({"hostNetwork": True, **ALIASES}), SETTINGS)
    assert file is not None
    assert file.copied_from == "/etc/hosts"
    text = hosts_text(file, ("192.0.2.1",), "127.0.0.1 localhost\n# a word\n192.0.2.1 node\n")
    lines = ["127.0.0.1 localhost", "192.0.2.1 node", "192.0.2.7\ta.test\tb.test", "::7\tc"]
    assert _entries(text) == lines


@given(st.lists(st.tuples(st.text(), st.lists(st.text() | st.just("a.test"), max_size=3))), st.text(), st.text())
def test_no_name_can_add_or_change_a_line(aliases: list[tuple[str, list[str]]], name: str, ip: str) -> None:
    pairs = tuple((alias, tuple(names)) for alias, names in aliases)
    text = hosts_text(HostsFile("/x", (name,), aliases=(*pairs, ("192.0.2.7", (name, "good")))), (ip, "10.0.0.9"))
    assert text.isascii()
    entries = [line.split("\t") for line in _entries(text)]
    own = entries[len(LOCAL.splitlines()) :]
    allowed = {name, "good", *(one for _, names in pairs for one in names)}
    for address, *names in own:
        ip_address(address)  # raises for what is none
        assert names
        assert set(names) <= allowed
    assert len(text.splitlines()) == len(text.split("\n")) - 1
    assert own[-1][-1] == "good"


@pytest.mark.parametrize(
    ("path", "mounts"), [("/etc/hosts", True), ("/etc/hosts/", True), ("/etc", False), ("/etc/hosts.d", False)]
)
def test_a_container_may_bring_its_own(path: str, mounts: bool) -> None:
    spec = {"containers": [{"name": "app", "volumeMounts": [{"name": "v", "mountPath": path}]}]}
    assert mounts_hosts(desired_pod(spec).pod.spec.containers[0]) is mounts
