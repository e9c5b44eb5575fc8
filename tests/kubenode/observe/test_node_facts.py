"""What the node knows of itself."""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path

import pytest

from kubenode.model.facts import ResolvConf
from kubenode.model.settings import KubeletConfiguration, Settings
from kubenode.observe import node

TEXTS = [
    ("", ResolvConf()),
    ("nameserver 192.0.2.1\nnameserver ::1\n", ResolvConf(("192.0.2.1", "::1"))),
    ("# nameserver 192.0.2.9\n; x\nnameserver\nnameserver\t192.0.2.1 x", ResolvConf(("192.0.2.1",))),
    ("search a.test b.test.\nsearch c.test .", ResolvConf((), ("c.test", "."))),
    ("options ndots:2 rotate\noptions rotate", ResolvConf((), (), ("ndots:2", "rotate"))),
]


@pytest.mark.parametrize(("text", "expected"), TEXTS)
def test_resolv_conf(text: str, expected: ResolvConf) -> None:
    assert node.parse_resolv_conf(text) == expected


def _settings(resolv_conf: Path | str) -> Settings:
    kubelet = KubeletConfiguration(resolv_conf=str(resolv_conf))
    return Settings(kubelet=kubelet, node_name="node", memory_capacity=8 * 2**30)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    for server in ("192.0.2.1", "192.0.2.200"):
        path.write_text(f"nameserver {server}\n")
        assert node.node_facts(_settings(path)).resolv.servers == (server,)
    path.unlink()
    assert node.node_facts(_settings(path)).resolv == ResolvConf()
    assert node.node_facts(_settings("")).resolv == ResolvConf()


@pytest.mark.parametrize(
    ("own", "behind", "expected"),
    [
        ("127.0.0.53", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.53", "", "127.0.0.53"),
        ("192.0.2.7", "192.0.2.1", "192.0.2.7"),
    ],
)
def test_servers_that_only_the_node_reaches_give_way_to_those_behind(
    own: str, behind: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, server, constant in (("own", own, "RESOLV_CONF"), ("behind", behind, "RESOLVED_CONF")):
        (tmp_path / name).write_text(f"nameserver {server}\n")
        monkeypatch.setattr(node, constant, str(tmp_path / name))
    assert node.node_facts(_settings(tmp_path / "own")).resolv.servers == (expected,)


def test_huge_pages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, count in (("hugepages-2048kB", "3\n"), ("hugepages-1048576kB", "1\n"), ("hugepages-64kB", "?")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "nr_hugepages").write_text(count)
    monkeypatch.setattr(node, "HUGE_PAGES", tmp_path)
    facts = node.node_facts(_settings(""))
    assert facts.huge_pages == {"hugepages-2Mi": 3 * 2**21, "hugepages-1Gi": 2**30}
    assert facts.allocatable["memory"] < facts.memory - 2**30


def test_this_node() -> None:
    facts = node.node_facts(_settings("/etc/resolv.conf"))
    assert facts.cpus == (os.cpu_count() or 0) * 1000
    assert facts.memory == 8 * 2**30
    assert facts.ephemeral_storage > 0
    assert all(not ip_address(ip).is_loopback for ip in facts.ips)
    assert facts.allocatable["cpu"] <= facts.cpus
