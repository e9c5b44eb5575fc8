"""The cache of attachments, and what is left of containers that are gone."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubenode.clients import errors
from kubenode.clients.cni.addresses import data_directories, reservations
from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.cache import Cache, CachedAttachment, decode, encode
from kubenode.clients.cni.chain import State
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.network import Network
from support.cni_plugins import FakePlugins, network, refusal

NOW = 2_000_000_000.0
RESULT = {"cniVersion": "1.0.0", "ips": [{"address": "10.1.0.2/16"}]}
# As libcni 1.1 wrote it: https://github.com/containernetworking/cni, libcni/api.go, cachedInfo.
FILE = {
    "kind": "cniCacheV1",
    "containerId": "c1",
    "config": base64.b64encode(b'{"name": "net"}').decode(),
    "ifName": "eth0",
    "networkName": "net",
    "netns": "/run/netns/c1",
    "cniArgs": [["IgnoreUnknown", "1"]],
    "capabilityArgs": {"portMappings": []},
    "result": RESULT,
}

Attach = Callable[..., Awaitable[None]]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "addresses"


@pytest.fixture
def net(data: Path) -> Network:
    return make_network(data)


def make_network(data: Path, version: str = "1.0.0", **more: Any) -> Network:
    plugin = {"type": "bridge", "ipam": {"type": "host-local", "dataDir": str(data)}}
    return network(plugin, version=version, **more)


@pytest.fixture
def fake(tmp_path: Path) -> FakePlugins:
    fake = FakePlugins(tmp_path / "bin")
    fake.add("bridge")
    return fake


@pytest.fixture
def cni(fake: FakePlugins, tmp_path: Path) -> Cni:
    return Cni([fake.path], cache_directory=tmp_path / "cache")


def attachment(container: str, ifname: str = "eth0") -> Attachment:
    return Attachment(container, ifname, f"/run/netns/{container}")


def reserve(data: Path, address: str, content: str, *, age: float = 1000.0) -> Path:
    file = data / "net" / address
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content.encode())
    os.utime(file, (NOW - age, NOW - age))
    return file


def test_a_cached_file_is_read_and_written_as_libcni_does() -> None:
    found = decode(json.dumps(FILE).encode())
    assert isinstance(found, CachedAttachment)
    assert found.config == b'{"name": "net"}'
    assert found.attachment == Attachment(
        "c1", "eth0", "/run/netns/c1", (("IgnoreUnknown", "1"),), {"portMappings": []}
    )
    made = network("bridge")
    written = json.loads(encode(made, found.attachment, RESULT))
    assert written == {**FILE, "config": base64.b64encode(made.document).decode()}


def test_what_is_empty_is_left_out_as_libcni_does() -> None:
    written = json.loads(encode(network("bridge"), Attachment("c1", "eth0"), {}))
    assert set(written) == {"kind", "containerId", "config", "ifName", "networkName"}


@settings(deadline=None)
@given(
    st.binary()
    | st.dictionaries(st.sampled_from(sorted(FILE)), st.text() | st.none()).map(
        lambda one: json.dumps({**FILE, **one}).encode()
    )
)
def test_any_file_is_an_attachment_or_nothing(content: bytes) -> None:
    found = decode(content)
    assert not isinstance(found, CachedAttachment) or found.attachment.container_id


def test_only_files_that_are_what_they_are_called_are_listed(tmp_path: Path) -> None:
    cache = Cache(tmp_path)
    assert Cache(tmp_path / "none").attachments() == []
    for name, content in {
        "net-c1-eth0": json.dumps(FILE),
        "other-c1-eth0": json.dumps({**FILE, "networkName": "other"}),
        "net-c2-eth0": json.dumps(FILE),
        "net-c3-eth0": "{",
        "net-c4-eth0": json.dumps({**FILE, "kind": "v2", "containerId": "c4"}),
        ".net-c5-eth0.tmp": json.dumps({**FILE, "containerId": "c5"}),
    }.items():
        (tmp_path / name).write_text(content)
    (tmp_path / "net-c6-eth0").mkdir()
    assert [(one.network, one.attachment.container_id) for one in cache.attachments()] == [
        ("net", "c1"),
        ("other", "c1"),
    ]
    assert [one.network for one in cache.attachments("net")] == ["net"]
    assert cache.read("net", attachment("c2")) is None
    assert cache.read("net", attachment("c3")) is None
    with pytest.raises(errors.RuntimeFailure, match="net-c6-eth0: Is a directory"):
        cache.read("net", attachment("c6"))


async def test_the_bare_result_of_an_old_libcni_is_given_to_delete(
    fake: FakePlugins, cni: Cni, tmp_path: Path, net: Network
) -> None:
    file = tmp_path / "cache" / "results" / "net-c1-eth0"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(RESULT))
    assert await cni.delete("net", attachment("c1"), net)
    assert fake.calls()[0].document["prevResult"] == RESULT
    assert not file.exists()


async def test_a_damaged_cache_does_not_hinder_delete(
    fake: FakePlugins, cni: Cni, tmp_path: Path, net: Network
) -> None:
    file = tmp_path / "cache" / "results" / "net-c1-eth0"
    file.parent.mkdir(parents=True)
    file.write_text("{")
    assert await cni.delete("net", attachment("c1"), net)
    assert "prevResult" not in fake.calls()[0].document
    assert not file.exists()


async def test_an_add_that_cannot_be_cached_is_undone(
    fake: FakePlugins, cni: Cni, tmp_path: Path, net: Network
) -> None:
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / "results").write_text("no directory")
    with pytest.raises(errors.ClientError, match="cached attachments failed"):
        await cni.add(net, attachment("c1"))
    assert fake.order() == [("ADD", "bridge"), ("DEL", "bridge")]


async def test_a_preview_is_exact_and_changes_nothing(fake: FakePlugins, cni: Cni, data: Path, net: Network) -> None:
    for container in ("live", "gone"):
        await cni.add(net, attachment(container))
    reserve(data, "10.1.0.2", "live\r\neth0")
    reserve(data, "10.1.0.3", "gone\r\neth0")
    reserve(data, "10.1.0.20", "lost\r\neth0")
    reserve(data, "10.1.0.5", "lost\r\neth0")
    reserve(data, "10.1.0.6", "live\r\neth1")
    reserve(data, "10.1.0.7", "live")
    reserve(data, "10.1.0.8", "old")
    reserve(data, "10.1.0.9", "under-way\r\neth0", age=10.0)
    reserve(data, "10.1.0.10", "")
    reserve(data, "fd00::2", "lost\r\neth0")
    reserve(data, "last_reserved_ip.0", "10.1.0.9")
    calls = fake.order()
    found = await cni.preview(net, {("live", "eth0")}, now=NOW)
    assert [one.attachment.container_id for one in found.stale] == ["gone"]
    leaked = ["10.1.0.5", "10.1.0.6", "10.1.0.8", "10.1.0.10", "10.1.0.20", "fd00::2"]
    assert [one.address for one in found.leaked] == leaked
    assert (bool(found), found.verb) == (True, False)
    assert fake.order() == calls
    assert len(reservations(data / "net")) == 10

    done = await cni.collect(net, {("live", "eth0")}, found)
    assert (done.deleted, done.freed, done.verdicts, done.problems) == (found.stale, found.leaked, (), ())
    assert fake.order()[len(calls) :] == [("DEL", "bridge")]
    assert fake.calls()[-1].environment["CNI_NETNS"] == "/run/netns/gone"
    left = [one.address for one in reservations(data / "net")]
    assert left == ["10.1.0.2", "10.1.0.3", "10.1.0.7", "10.1.0.9"]
    again = await cni.preview(net, {("live", "eth0"), ("gone", "eth0")}, now=NOW)
    assert not again


async def test_what_changed_since_the_preview_stays(cni: Cni, data: Path, net: Network) -> None:
    given_again = reserve(data, "10.1.0.2", "lost\r\neth0")
    attached = reserve(data, "10.1.0.3", "c1\r\neth0")
    freed = reserve(data, "10.1.0.4", "lost\r\neth0")
    found = await cni.preview(net, set(), now=NOW)
    assert len(found.leaked) == 3
    given_again.write_text("new\r\neth0")
    freed.unlink()
    await cni.add(net, attachment("c1"))
    done = await cni.collect(net, {("c1", "eth0")}, found)
    assert (done.freed, done.problems) == ((), ())
    assert given_again.exists()
    assert attached.exists()


async def test_an_attachment_that_came_back_since_the_preview_stays(fake: FakePlugins, cni: Cni, net: Network) -> None:
    for container in ("valid", "anew", "gone"):
        await cni.add(net, attachment(container))
    found = await cni.preview(net, set(), now=NOW)
    assert len(found.stale) == 3
    await cni.delete("net", attachment("anew"))
    await cni.add(net, Attachment("anew", "eth0", "/run/netns/other"))
    await cni.delete("net", attachment("gone"))
    calls = fake.order()
    done = await cni.collect(net, {("valid", "eth0")}, found)
    assert (done.deleted, done.problems) == ((), ())
    assert fake.order() == calls


async def test_one_that_cannot_be_deleted_does_not_keep_the_others(
    fake: FakePlugins, cni: Cni, net: Network, data: Path
) -> None:
    for container in ("a", "b"):
        await cni.add(net, attachment(container))
    file = reserve(data, "10.1.0.2", "lost\r\neth0")
    found = await cni.preview(net, set(), now=NOW)
    fake.add("bridge", DEL=refusal(11, "busy"))
    done = await cni.collect(net, set(), found)
    assert (done.deleted, len(done.problems)) == ((), 2)
    assert "code 11: busy" in str(done.problems[0])
    assert not file.exists()
    assert await cni.preview(net, set(), now=NOW)


async def test_plugins_of_1_1_are_told_what_is_valid(fake: FakePlugins, cni: Cni, data: Path) -> None:
    newest = make_network(data, "1.1.0")
    found = await cni.preview(newest, set(), now=NOW)
    assert (bool(found), found.verb) == (False, True)
    done = await cni.collect(newest, {("b", "eth0"), ("a", "eth0")}, found)
    assert [verdict.state for verdict in done.verdicts] == [State.DONE]
    (call,) = fake.calls()
    assert call.command == "GC"
    assert call.document["cni.dev/valid-attachments"] == [
        {"containerID": "a", "ifname": "eth0"},
        {"containerID": "b", "ifname": "eth0"},
    ]


async def test_a_network_that_forbids_gc_is_left_alone(cni: Cni, data: Path) -> None:
    shared = make_network(data, "1.1.0", disableGC=True)
    await cni.add(shared, attachment("gone"))
    reserve(data, "10.1.0.2", "lost\r\neth0")
    found = await cni.preview(shared, set(), now=NOW)
    assert (found.stale, found.leaked, found.verb) == ((), (), False)


def test_addresses_are_kept_where_the_network_says() -> None:
    def places(**ipam: Any) -> list[str]:
        found = network({"type": "bridge", "ipam": {"type": "host-local", **ipam}}, {"type": "x", "ipam": [1]})
        return [str(path) for path in data_directories(found)]

    assert places() == ["/var/lib/cni/networks/net"]
    assert places(dataDir="/data") == ["/data/net"]
    assert places(dataDir="data") == places(dataDir=1) == []


def test_a_link_is_no_address(tmp_path: Path) -> None:
    (tmp_path / "10.1.0.2").symlink_to("/etc/passwd")
    assert reservations(tmp_path) == []
