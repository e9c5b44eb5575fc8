"""The reference plugins, in a network that goes with the test, and the cache that containerd writes."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from conftest import leave_out
from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.cache import CachedAttachment, decode, encode
from kubenode.clients.cni.chain import State
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import load
from kubenode.clients.cni.errors import CniError
from kubenode.clients.cni.network import Network, parse_cached, parse_list
from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.cni import Severity, check
from support.cni_network import add_namespace, private_network, run
from support.containerd import CNI_PLUGINS, NETWORK, RealRuntime
from support.pods import Pods

pytestmark = pytest.mark.real
PORTS = [{"hostPort": 18090, "containerPort": 80, "protocol": "tcp"}]
RESERVED = Path("/var/lib/cni/networks/kubenode-cni")
RESULTS = Path("/var/lib/cni/results")
BRIDGE = "kncni0"
OURS = (BRIDGE, "kubenode-cni", "10.97.0.")
LONG_AGO = 0.0
SOON = 4_000_000_000.0


@pytest.fixture
def host() -> Iterator[None]:
    """A network of our own; what the node itself has is the same afterwards."""
    if os.geteuid() != 0 or not (CNI_PLUGINS / "bridge").exists():
        leave_out("the reference plugins need root and containernetworking-plugins")
    with private_network():
        yield
    assert seen() == []


def seen() -> list[str]:
    """What of ours is on the node, outside of the test's network; others may change the rest meanwhile."""
    links = run("ip", "-oneline", "link").splitlines()
    rules = run("iptables-save").splitlines()
    files = [str(path) for path in Path("/var/lib/cni").rglob("*")]
    return [line for line in [*links, *rules, *files] if any(name in line for name in OURS)]


def network(version: str = "1.0.0", *more: dict[str, Any], subnets: tuple[str, ...] = ("10.97.0.0/16",)) -> Network:
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "ipMasq": True,
        "ipam": {
            "type": "host-local",
            "ranges": [[{"subnet": subnet}] for subnet in subnets],
            "routes": [{"dst": "0.0.0.0/0"}],
        },
    }
    portmap = {"type": "portmap", "capabilities": {"portMappings": True}}
    document = {"cniVersion": version, "name": "kubenode-cni", "plugins": [bridge, portmap, *more]}
    return parse_list(msgspec.json.encode(document), "kubenode-cni.conflist")


def addresses(namespace: str) -> set[str]:
    links = json.loads(run("ip", "-n", namespace, "-json", "address", "show", "dev", "eth0"))
    return {f"{one['local']}/{one['prefixlen']}" for link in links for one in link["addr_info"]}


def reserved() -> set[str]:
    return {file.name for file in RESERVED.iterdir() if file.name[:1].isdigit() or ":" in file.name}


def cached() -> list[str]:
    return sorted(file.name for file in RESULTS.glob("*"))


@pytest.mark.usefixtures("host")
@pytest.mark.parametrize("version", ["0.3.1", "0.4.0", "1.0.0"])
async def test_a_container_is_attached_checked_and_detached(version: str) -> None:
    cni, net = Cni([CNI_PLUGINS]), network(version)
    attachment = Attachment("c1", "eth0", add_namespace("c1"), capability_args={"portMappings": PORTS})
    result = await cni.add(net, attachment)
    assert result["cniVersion"] == version
    got = {address["address"] for address in result["ips"]}
    assert got <= addresses("c1")
    assert {name for name in OURS if any(name in line for line in seen())} == set(OURS)
    assert reserved() == {address.split("/")[0] for address in got}
    assert "18090" in run("iptables-save", "-t", "nat")
    if version != "0.3.1":
        # Debian 12's portmap looks for rules of both IPs, whatever the address.
        bridge = replace(net, plugins=net.plugins[:1])
        assert await cni.check(bridge, attachment)
        run("ip", "-n", "c1", "address", "flush", "dev", "eth0")
        with pytest.raises(CniError, match=r"CHECK of container c1 eth0 on network kubenode-cni failed at .*/bridge"):
            await cni.check(bridge, attachment)
    assert await cni.delete(net.name, Attachment("c1", "eth0"))
    assert reserved() == set()
    assert cached() == []
    assert "18090" not in run("iptables-save", "-t", "nat")
    assert "eth0" not in run("ip", "-n", "c1", "link")
    assert await cni.delete(net.name, attachment, net)


@pytest.mark.usefixtures("host")
async def test_an_add_that_fails_leaves_nothing() -> None:
    cni, net = Cni([CNI_PLUGINS]), network("1.0.0", {"type": "tuning", "sysctl": {"net.none": "1"}})
    attachment = Attachment("c1", "eth0", add_namespace("c1"), capability_args={"portMappings": PORTS})
    with pytest.raises(CniError, match=r"ADD of container c1 .* failed at /usr/lib/cni/tuning: code "):
        await cni.add(net, attachment)
    assert reserved() == set()
    assert cached() == []
    assert "18090" not in run("iptables-save", "-t", "nat")
    assert "eth0" not in run("ip", "-n", "c1", "link")


@pytest.mark.usefixtures("host")
async def test_what_containers_left_behind_is_found_and_freed() -> None:
    cni, net = Cni([CNI_PLUGINS]), network(subnets=("10.97.0.0/16", "fd97::/64"))
    results = {}
    for name in ("live", "gone", "lost"):
        results[name] = await cni.add(net, Attachment(name, "eth0", add_namespace(name)))
    (RESULTS / "kubenode-cni-lost-eth0").unlink()
    for name in ("gone", "lost"):
        run("ip", "netns", "delete", name)
    valid = {("live", "eth0")}
    assert not (await cni.preview(net, valid, now=LONG_AGO)).leaked
    found = await cni.preview(net, valid, now=SOON)
    assert [one.attachment.container_id for one in found.stale] == ["gone"]
    lost = {address["address"].split("/")[0] for address in results["lost"]["ips"]}
    assert {one.address for one in found.leaked} == lost
    assert len(reserved()) == 6
    done = await cni.collect(net, valid, found)
    assert (done.deleted, done.freed, done.problems) == (found.stale, found.leaked, ())
    assert reserved() == {address["address"].split("/")[0] for address in results["live"]["ips"]}
    assert not await cni.preview(net, valid, now=SOON)
    assert await cni.check(net, Attachment("live", "eth0"))


@pytest.mark.usefixtures("host")
async def test_debians_plugins_do_not_know_1_1_and_that_is_told() -> None:
    cni, net = Cni([CNI_PLUGINS]), network("1.1.0")
    assert "1.0.0" in await cni.plugins.versions("host-local")
    binaries = await cni.binaries(net)
    assert [binary.type for binary in binaries] == ["bridge", "host-local", "portmap"]
    assert [binary.problem for binary in binaries] == ["", "", ""]
    if any("1.1.0" in binary.versions for binary in binaries):
        leave_out("these plugins are newer than Debian 12's")
    problems = check(net, [], binaries)
    assert {problem.severity for problem in problems} == {Severity.ERROR}
    assert len(problems) == 3
    assert {verdict.state for verdict in await cni.status(net)} == {State.UNSUPPORTED}
    with pytest.raises(CniError) as caught:
        await cni.add(net, Attachment("c1", "eth0", add_namespace("c1")))
    assert caught.value.code == 1


@pytest.mark.parametrize("name", ["containerd16", "containerd2"])
async def test_the_cache_is_containerds(request: pytest.FixtureRequest, name: str, tmp_path: Path) -> None:
    runtime: RealRuntime = request.getfixturevalue(name)
    (net,) = load(runtime.root / "net.d").networks
    port = pb.PortMapping(protocol=pb.TCP, container_port=80, host_port=18091)
    async with CriClient(runtime.endpoint) as cri, Pods(cri, tmp_path, runtime.cgroup_root) as pods:
        sandbox_id = await pods.run(pods.config(ports=[port]))
        file = runtime.root / "cni" / "results" / f"{NETWORK['name']}-{sandbox_id}-eth0"
        found = decode(file.read_bytes())
        assert isinstance(found, CachedAttachment)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        cached = Cni([CNI_PLUGINS], cache_directory=runtime.root / "cni").cache
        assert found in cached.attachments(net.name)
        assert cached.read(net.name, Attachment(sandbox_id, "eth0")) == found
        assert found.result is not None
        assert found.result_for(net) == found.result
        assert parse_cached(found.config, "cache").plugins == net.plugins
        theirs = json.loads(file.read_text())
        ours = json.loads(encode(parse_cached(found.config, "cache"), found.attachment, found.result))
        assert ours == theirs
        assert theirs["capabilityArgs"]["portMappings"][0]["HostPort"] == 18091
