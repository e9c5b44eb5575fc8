"""Attachments with plugins of the test's own; namespaces are stood in for, as they are the integration target's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.cache import Cache
from kubenode.clients.cni.directory import load
from kubenode.clients.cni.errors import CniError, NetworkError
from kubenode.observe import cni as observe
from kubenode.resources import cni_attachment
from kubenode.resources.options import OptionError, read
from kubenode.resources.result import ResourceError
from support.cni_plugins import FakePlugins, refusal

MAC = "02:00:00:00:00:01"
RESULT = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "eth0", "mac": MAC, "sandbox": "/x"}],
    "ips": [{"address": "10.0.0.2/24"}],
}
ADDED = {"output": json.dumps(RESULT)}


class Namespaces(dict[str, dict[str, str]]):
    """By path, the interfaces with their hardware addresses."""

    async def links(self, path: str) -> dict[str, str] | None:
        return self.get(path)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Namespaces:
    found = Namespaces({"/run/netns/one": {"lo": "", "eth0": MAC}, "/run/netns/two": {"lo": ""}})
    monkeypatch.setattr(observe, "links", found.links)
    monkeypatch.setattr(observe, "namespaces", lambda paths: frozenset(paths) & found.keys())
    return found


@pytest.fixture
def plugins(tmp_path: Path, there: Namespaces) -> FakePlugins:
    fake = FakePlugins(tmp_path / "bin")
    fake.add("bridge", ADD=ADDED)
    (tmp_path / "net.d").mkdir()
    write(tmp_path)
    return fake


def write(folder: Path, **more: Any) -> None:
    plugin = {"type": "bridge", "capabilities": {"mac": True}}
    document = {"cniVersion": "1.0.0", "name": "net", "plugins": [plugin], **more}
    (folder / "net.d" / "10-net.conflist").write_text(json.dumps(document))


def options(folder: Path, **params: Any) -> cni_attachment.Options:
    places = {
        "conf_dir": str(folder / "net.d"),
        "bin_dirs": [str(folder / "bin")],
        "cache_dir": str(folder / "cache"),
    }
    return read(cni_attachment.Options, {**places, "network": "net", "container_id": "c1", **params})


async def run(folder: Path, *, check: bool = False, **params: Any) -> dict[str, Any]:
    return (await cni_attachment.run(options(folder, **params), check=check)).returned()


async def test_check_mode_tells_what_a_run_does(tmp_path: Path, plugins: FakePlugins) -> None:
    foreseen = await run(tmp_path, netns="one", check=True)
    assert (foreseen["changed"], plugins.calls(), (tmp_path / "cache").exists()) == (True, [], False)
    done = await run(tmp_path, netns="one")
    assert (done["actions"], done["diff"]) == (foreseen["actions"], foreseen["diff"])
    assert (done["netns"], done["ips"], done["result"]) == ("/run/netns/one", ["10.0.0.2/24"], RESULT)
    again = await run(tmp_path, netns="/run/netns/one")
    assert (again["changed"], again["result"], "diff" in again) == (False, RESULT, False)
    assert plugins.order() == [("ADD", "bridge")]


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"netns": "two"}, "its network namespace is /run/netns/one"),
        ({"netns": "one", "args": {"A": 1}}, "its args differ"),
        ({"netns": "one", "capability_args": {"mac": "x"}}, "its capability_args differ"),
    ],
)
async def test_what_differs_is_attached_anew(
    tmp_path: Path, plugins: FakePlugins, params: dict[str, Any], why: str
) -> None:
    await run(tmp_path, netns="one")
    foreseen = await run(tmp_path, check=True, **params)
    done = await run(tmp_path, **params)
    assert done["actions"][0]["why"] == why
    assert (done["actions"], done["diff"]) == (foreseen["actions"], foreseen["diff"])
    assert plugins.order() == [("ADD", "bridge"), ("DEL", "bridge"), ("ADD", "bridge")]
    assert plugins.calls()[1].environment["CNI_NETNS"] == "/run/netns/one"


async def test_a_change_of_the_network_and_a_lost_interface_are_put_right(
    tmp_path: Path, plugins: FakePlugins, there: Namespaces
) -> None:
    await run(tmp_path, netns="one")
    write(tmp_path, disableCheck=True)
    assert (await run(tmp_path, netns="one"))["actions"][0]["why"] == "its config differs"
    del there["/run/netns/one"]["eth0"]
    assert (await run(tmp_path, netns="one"))["actions"][0]["why"] == "the namespace has no interface eth0"
    there["/run/netns/one"]["eth0"] = "02:00:00:00:00:99"
    assert (await run(tmp_path, netns="one"))["actions"][0]["why"] == "the namespace has another interface eth0"


async def test_a_namespace_may_have_another_name(tmp_path: Path, plugins: FakePlugins, there: Namespaces) -> None:
    """As that of a process that has ended since, while another is in the namespace."""
    there["/proc/77/ns/net"] = there["/run/netns/one"]
    await run(tmp_path, pid=77)
    del there["/proc/77/ns/net"]
    assert not (await run(tmp_path, netns="one"))["changed"]


async def test_check_is_heeded_as_it_is_wished(tmp_path: Path, plugins: FakePlugins) -> None:
    assert (await run(tmp_path, netns="one", verify="fail"))["checked"]
    plugins.add("bridge", ADD=ADDED, CHECK=refusal(101, "it is gone"))
    assert not (await run(tmp_path, netns="one"))["changed"]
    with pytest.raises(ResourceError, match=r"CHECK of container c1 eth0 .* code 101: it is gone") as caught:
        await run(tmp_path, netns="one", verify="fail", check=True)
    assert caught.value.values["ips"] == ["10.0.0.2/24"]
    foreseen = await run(tmp_path, netns="one", verify="reattach", check=True)
    assert "it is gone" in foreseen["actions"][0]["why"]
    with pytest.raises(CniError, match="it is gone"):
        await run(tmp_path, netns="one", verify="reattach")


@pytest.mark.parametrize("more", [{"disableCheck": True}, {"cniVersion": "0.3.1"}])
async def test_a_network_that_cannot_be_checked_is_warned_of(
    tmp_path: Path, plugins: FakePlugins, more: dict[str, Any]
) -> None:
    write(tmp_path, **more)
    plugins.add("bridge")
    result = await cni_attachment.run(options(tmp_path, netns="one", verify="fail"), check=False)
    assert not result.values["checked"]
    assert "It was not checked" in result.warnings[0]


async def test_what_was_begun_and_killed_is_undone_first(tmp_path: Path, plugins: FakePlugins) -> None:
    begun = Cache(tmp_path / "cache" / "kubenode-begun")
    attachment = Attachment("c1", "eth0", "/run/netns/old", (("A", "1"),))
    begun.write(load(tmp_path / "net.d").network("net"), attachment, {})
    foreseen = await run(tmp_path, netns="one", check=True)
    assert foreseen["actions"][0]["why"] == "an ADD of it was killed"
    assert (await run(tmp_path, netns="one"))["actions"] == foreseen["actions"]
    assert plugins.order() == [("DEL", "bridge"), ("ADD", "bridge")]
    assert plugins.calls()[0].environment["CNI_NETNS"] == "/run/netns/old"
    assert begun.attachments() == []


async def test_what_goes_goes_as_it_was_attached(tmp_path: Path, plugins: FakePlugins) -> None:
    assert not (await run(tmp_path, state="absent"))["changed"]
    await run(tmp_path, netns="one", args={"A": "1"})
    (tmp_path / "net.d" / "10-net.conflist").unlink()
    assert (await run(tmp_path, state="absent", check=True))["changed"]
    assert (await run(tmp_path, state="absent"))["diff"]["after"] == ""
    assert not (await run(tmp_path, state="absent"))["changed"]
    assert plugins.order() == [("ADD", "bridge"), ("DEL", "bridge")]
    assert plugins.calls()[1].environment["CNI_ARGS"] == "A=1"


async def test_a_namespace_that_is_not_there(tmp_path: Path, plugins: FakePlugins) -> None:
    with pytest.raises(NetworkError, match="there is no such network namespace"):
        await run(tmp_path, netns="none")
    result = await cni_attachment.run(options(tmp_path, netns="none"), check=True)
    assert result.returned()["changed"]
    assert len(result.warnings) == 1
    assert plugins.calls() == []


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "netns: a network namespace is needed"),
        ({"netns": "one", "pid": 1}, "netns: give this or pid"),
        ({"pid": 0}, "pid: 0 is no process"),
        ({"netns": "a/b"}, "netns: 'a/b' must be an absolute path"),
        ({"netns": "one", "args": {"A": []}}, "args.A: must be a text or a number"),
        ({"netns": "one", "capability_args": {"ips": []}}, "no plugin of network net .* Declared there: mac"),
    ],
)
async def test_options_that_cannot_be(tmp_path: Path, plugins: FakePlugins, params: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        await run(tmp_path, **params)


async def test_interfaces_are_looked_for_in_a_namespace_of_a_path(tmp_path: Path) -> None:
    assert await observe.links(str(tmp_path / "none")) is None
    assert observe.same_namespace("/proc/self/ns/net", "/proc/thread-self/ns/net")
    assert not observe.same_namespace("/proc/self/ns/net", str(tmp_path))
    assert not observe.same_namespace("/proc/self/ns/net", str(tmp_path / "none"))
