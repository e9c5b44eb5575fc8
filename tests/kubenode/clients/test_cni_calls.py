"""How plugins are called, and what their answers become. The plugins are fake, the processes are not."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kubenode.clients import errors
from kubenode.clients.cni import process
from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.cache import Cache
from kubenode.clients.cni.chain import State
from kubenode.clients.cni.client import Cni, needed
from kubenode.clients.cni.errors import CniError, UndoFailed
from kubenode.clients.cni.locking import held
from support.cni_plugins import FakePlugins, network, refusal

PORTS = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
ATTACHMENT = Attachment(
    "web-1", "eth0", "/run/netns/web", (("IgnoreUnknown", "1"), ("K", "v")), {"portMappings": PORTS, "mac": "02::1"}
)
RESULT = {"cniVersion": "1.0.0", "ips": [{"address": "10.1.0.2/16"}]}
ADD_RESULT = {"output": json.dumps(RESULT)}


@pytest.fixture
def fake(tmp_path: Path) -> FakePlugins:
    return FakePlugins(tmp_path / "bin")


@pytest.fixture
def cni(fake: FakePlugins, tmp_path: Path) -> Cni:
    return client(fake, tmp_path)


def client(fake: FakePlugins, tmp_path: Path, within: float = 30.0) -> Cni:
    return Cni([tmp_path / "none", fake.path], cache_directory=tmp_path / "cache", within=within)


def cached(tmp_path: Path) -> list[str]:
    results = tmp_path / "cache" / "results"
    return sorted(file.name for file in results.iterdir()) if results.exists() else []


async def test_a_plugin_gets_the_environment_of_cni_and_nothing_of_ours(
    fake: FakePlugins, cni: Cni, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSWORD", "secret")
    fake.add("bridge")
    await cni.add(network("bridge"), ATTACHMENT)
    (call,) = fake.calls()
    # What the interpreter of the fake sets by itself.
    environment = {key: value for key, value in call.environment.items() if key != "LC_CTYPE"}
    assert environment.pop("PATH").endswith("/usr/bin:/sbin:/bin")
    assert environment == {
        "CNI_COMMAND": "ADD",
        "CNI_CONTAINERID": "web-1",
        "CNI_NETNS": "/run/netns/web",
        "CNI_IFNAME": "eth0",
        "CNI_ARGS": "IgnoreUnknown=1;K=v",
        "CNI_PATH": f"{tmp_path}/none:{fake.path}",
    }


async def test_add_goes_forward_and_each_gets_the_result_before(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", ADD=ADD_RESULT)
    fake.add("portmap")
    bridge = {"type": "bridge", "unknown": {"kept": [1, None]}, "capabilities": {"mac": False}}
    portmap = {"type": "portmap", "capabilities": {"portMappings": True, "bandwidth": True}}
    assert await cni.add(network(bridge, portmap), ATTACHMENT) == RESULT
    first, second = (call.document for call in fake.calls())
    assert first == {**bridge, "name": "net", "cniVersion": "1.0.0"}
    assert second == {
        **portmap,
        "name": "net",
        "cniVersion": "1.0.0",
        "prevResult": RESULT,
        "runtimeConfig": {"portMappings": PORTS},
    }


async def test_delete_goes_backward_with_the_cached_result_and_configuration(
    fake: FakePlugins, cni: Cni, tmp_path: Path
) -> None:
    fake.add("bridge", ADD=ADD_RESULT)
    fake.add("portmap")
    then = network({"type": "bridge", "mtu": 1400}, {"type": "portmap", "capabilities": {"portMappings": True}})
    await cni.add(then, ATTACHMENT)
    assert cached(tmp_path) == ["net-web-1-eth0"]
    assert await cni.delete("net", Attachment("web-1", "eth0"), network("other"))
    assert fake.order() == [("ADD", "bridge"), ("ADD", "portmap"), ("DEL", "portmap"), ("DEL", "bridge")]
    portmap, bridge = fake.calls()[2:]
    assert bridge.document["mtu"] == 1400
    assert bridge.document["prevResult"] == portmap.document["prevResult"] == RESULT
    assert portmap.document["runtimeConfig"] == {"portMappings": PORTS}
    assert (portmap.environment["CNI_NETNS"], portmap.environment["CNI_ARGS"]) == (
        "/run/netns/web",
        "IgnoreUnknown=1;K=v",
    )
    assert cached(tmp_path) == []


async def test_delete_of_what_is_not_cached_goes_by_the_network_as_it_is(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge")
    assert not await cni.delete("net", ATTACHMENT)
    assert fake.calls() == []
    assert await cni.delete("net", ATTACHMENT, network("bridge"))
    (call,) = fake.calls()
    assert "prevResult" not in call.document


async def test_networks_before_0_4_get_no_result_on_delete(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge", ADD={"output": '{"ips": [{"version": "4", "address": "10.1.0.2/16"}]}'})
    old = network("bridge", version="0.3.1")
    result = await cni.add(old, ATTACHMENT)
    assert result["cniVersion"] == "0.3.1"
    await cni.delete("net", ATTACHMENT)
    assert "prevResult" not in fake.calls()[-1].document
    assert cached(tmp_path) == []


async def test_a_failed_delete_stops_and_can_be_repeated(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge")
    fake.add("portmap")
    await cni.add(network("bridge", "portmap"), ATTACHMENT)
    fake.add("portmap", DEL=refusal(11, "busy"))
    with pytest.raises(
        CniError, match=r"DEL of container web-1 eth0 on network net failed at .*/portmap: code 11: busy"
    ):
        await cni.delete("net", ATTACHMENT)
    assert fake.order()[-1] == ("DEL", "portmap")
    assert cached(tmp_path) == ["net-web-1-eth0"]
    fake.add("portmap")
    assert await cni.delete("net", ATTACHMENT)
    assert cached(tmp_path) == []


async def test_a_failed_add_is_followed_by_delete_of_all(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge")
    fake.add("portmap", ADD=refusal(11, "try later", "the table is locked"))
    with pytest.raises(CniError) as caught:
        await cni.add(network("bridge", "portmap"), ATTACHMENT)
    error = caught.value
    assert (error.code, error.message, error.details, error.try_again) == (11, "try later", "the table is locked", True)
    assert fake.order() == [("ADD", "bridge"), ("ADD", "portmap"), ("DEL", "portmap"), ("DEL", "bridge")]
    assert cached(tmp_path) == []


async def test_an_add_that_cannot_be_undone_says_both_and_undoes_the_rest(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge")
    fake.add("portmap", ADD=refusal(100, "no table"), DEL=refusal(5, "disk is gone"))
    with pytest.raises(UndoFailed, match=r"no table.*disk is gone"):
        await cni.add(network("bridge", "portmap"), ATTACHMENT)
    assert fake.order()[-2:] == [("DEL", "portmap"), ("DEL", "bridge")]


async def test_a_plugin_that_can_have_done_nothing_needs_no_undoing(fake: FakePlugins, cni: Cni) -> None:
    fake.add("old", ADD=refusal(1, "incompatible"), DEL=refusal(1, "incompatible"))
    with pytest.raises(CniError, match="Lower the network's cniVersion"):
        await cni.add(network("old", "none"), ATTACHMENT)
    assert fake.order() == [("ADD", "old"), ("DEL", "old")]


async def test_what_is_attached_is_not_attached_again(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge")
    await cni.add(network("bridge"), ATTACHMENT)
    with pytest.raises(errors.AlreadyExists, match="attached already"):
        await cni.add(network("bridge"), ATTACHMENT)
    assert fake.order() == [("ADD", "bridge")]


@pytest.mark.parametrize("undoing", [{}, refusal(5, "disk is gone")])
async def test_a_cancelled_add_is_undone(fake: FakePlugins, cni: Cni, tmp_path: Path, undoing: dict[str, Any]) -> None:
    fake.add("bridge", ADD={"hang": True}, DEL=undoing)
    task = asyncio.create_task(cni.add(network("bridge"), ATTACHMENT))
    async with asyncio.timeout(20):
        while not fake.calls():
            await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert fake.order() == [("ADD", "bridge"), ("DEL", "bridge")]
    assert cached(tmp_path) == []


def begun(folder: Path) -> Cache:
    return Cache(folder / "cache" / "kubenode-begun")


async def test_an_add_that_was_killed_is_known_and_undone_by_the_next(
    fake: FakePlugins, cni: Cni, tmp_path: Path
) -> None:
    fake.add("bridge")
    old = network({"type": "bridge", "mtu": 1})
    begun(tmp_path).write(old, ATTACHMENT, {})
    (found,) = cni.attachments()
    assert (found.unfinished, found.attachment) == (True, ATTACHMENT)
    assert cni.known("net", ATTACHMENT) == found
    await cni.add(network("bridge"), ATTACHMENT)
    assert fake.order() == [("DEL", "bridge"), ("ADD", "bridge")]
    assert fake.calls()[0].document["mtu"] == 1
    assert [one.unfinished for one in cni.attachments()] == [False]
    assert begun(tmp_path).attachments() == []


async def test_an_add_that_was_killed_is_undone_by_delete(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge", DEL=refusal(11, "busy"))
    begun(tmp_path).write(network("bridge"), ATTACHMENT, {})
    with pytest.raises(CniError, match="busy"):
        await cni.delete("net", ATTACHMENT)
    assert cni.known("net", ATTACHMENT)
    fake.add("bridge")
    assert await cni.delete("net", ATTACHMENT)
    assert not await cni.delete("net", ATTACHMENT)


async def test_what_still_runs_of_a_killed_add_is_waited_for(fake: FakePlugins, tmp_path: Path) -> None:
    fake.add("bridge")
    begun(tmp_path).write(network("bridge"), ATTACHMENT, {})
    path = begun(tmp_path).path("net", ATTACHMENT)
    async with held(path, operation="ADD", within=1.0):
        with pytest.raises(errors.Aborted, match=r"kubenode-begun/.*another one holds"):
            await client(fake, tmp_path, within=0.3).delete("net", ATTACHMENT)
    assert fake.calls() == []
    assert await client(fake, tmp_path).delete("net", ATTACHMENT)


def children_with(file: Path) -> list[str]:
    """Children of this process that have the file open."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [pid for pid in children if file in [link.readlink() for link in Path(f"/proc/{pid}/fd").iterdir()]]


async def test_plugins_hold_the_lock_of_their_attachment(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge", ADD={"hang": True})
    task = asyncio.create_task(cni.add(network("bridge"), ATTACHMENT))
    async with asyncio.timeout(20):
        while not fake.calls():
            await asyncio.sleep(0.01)
    holders = children_with(begun(tmp_path).path("net", ATTACHMENT))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(holders) == 1


async def test_an_add_that_could_not_be_undone_is_known(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", ADD=refusal(5, "disk"), DEL=refusal(5, "disk"))
    with pytest.raises(UndoFailed):
        await cni.add(network("bridge"), ATTACHMENT)
    assert [one.unfinished for one in cni.attachments()] == [True]
    fake.add("bridge")
    assert await cni.delete("net", ATTACHMENT)
    assert cni.attachments() == []


async def test_arguments_that_are_refused_do_not_hinder_the_undoing(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", ADD=refusal(999, "unknown args"), DEL=refusal(999, "unknown args"))
    with pytest.raises(UndoFailed):
        await cni.add(network("bridge"), ATTACHMENT)
    assert [bool(call.environment["CNI_ARGS"]) for call in fake.calls()] == [True, True, False]


async def test_a_plugin_that_hangs_is_killed_with_its_children(fake: FakePlugins, tmp_path: Path) -> None:
    fake.add("bridge", ADD={"hang": True, "child": True})
    with pytest.raises(errors.DeadlineExceeded, match=r"bridge: no answer within 3 s, so it was killed"):
        await client(fake, tmp_path, within=3.0).add(network("bridge"), ATTACHMENT)
    assert not runs(int((fake.path / "child").read_text()))


async def test_a_child_that_is_left_running_does_not_hold_us_up(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", ADD={"child": True})
    await cni.add(network("bridge"), ATTACHMENT)
    child = int((fake.path / "child").read_text())
    try:
        assert runs(child)
    finally:
        os.kill(child, signal.SIGKILL)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"output": "hello"}, "the result is no JSON object"),
        ({"output": ""}, "the result is no JSON object"),
        ({"output": "[1]"}, "the result is no JSON object"),
        ({"output": '{"a":' * 99 + "1" + "}" * 99}, "the result is no JSON object"),
        ({"output": '{"cniVersion": "7.0.0"}'}, "the result cannot be used: a result of version '7.0.0'"),
        ({"code": 1, "output": "oops", "said": "panic: x"}, "exit status 1 .*'oops'; stderr: panic: x"),
        ({"code": 3}, "exit status 3 and no error that can be read"),
        ({"code": 1, "output": '{"msg": 1}'}, "no error that can be read"),
        ({"signal": 11}, "ended with signal 11"),
    ],
)
async def test_a_plugin_that_answers_garbage_is_named(
    fake: FakePlugins, cni: Cni, answer: dict[str, Any], words: str
) -> None:
    fake.add("bridge", ADD=answer)
    with pytest.raises(
        CniError, match=rf"ADD of container web-1 eth0 on network net failed at .*/bin/bridge: .*{words}"
    ):
        await cni.add(network("bridge"), ATTACHMENT)


async def test_of_much_stderr_the_end_is_told(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", ADD={**refusal(7, "bad"), "said": "x" * 100_000 + " the end\n"})
    with pytest.raises(CniError) as caught:
        await cni.add(network("bridge"), ATTACHMENT)
    assert caught.value.said.endswith("x the end")
    assert len(caught.value.said) <= process.MOST_SAID


async def test_a_plugin_that_is_being_written_is_tried_again(
    fake: FakePlugins, cni: Cni, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fake.add("bridge")
    pauses = []
    writer = os.open(file, os.O_WRONLY)

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            os.close(writer)

    monkeypatch.setattr(asyncio, "sleep", pause)
    await cni.add(network("bridge"), ATTACHMENT)
    assert pauses == [process.BUSY_PAUSE, process.BUSY_PAUSE]


async def test_an_id_too_long_for_a_file_is_an_error(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge")
    with pytest.raises(errors.InvalidArgument, match="longer than 240 bytes"):
        await cni.add(network("bridge"), changed(container_id="a" * 300))
    assert fake.calls() == []


async def test_a_plugin_that_stays_busy_is_given_up(
    fake: FakePlugins, cni: Cni, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = fake.add("bridge")
    monkeypatch.setattr(process, "BUSY_PAUSE", 0.0)
    with file.open("ab"), pytest.raises(errors.ClientError, match="Text file busy"):
        await cni.plugins.versions("bridge")


async def test_missing_and_unusable_plugins_say_what_to_do(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    with pytest.raises(errors.NotFound, match=rf"plugin bridge failed at {tmp_path}/none:{fake.path}: no such binary"):
        cni.plugins.find("bridge")
    file = fake.add("bridge")
    file.chmod(0o644)
    with pytest.raises(errors.PermissionDenied, match="chmod 755"):
        cni.plugins.find("bridge")
    file.write_bytes(b"\x7fELF of another kind")
    file.chmod(0o755)
    with pytest.raises(errors.RuntimeFailure, match="cannot be run: Exec format error"):
        await cni.plugins.versions("bridge")


def changed(**fields: Any) -> Attachment:
    values = {"container_id": "web-1", "ifname": "eth0", "netns": "/run/netns/web"}
    return Attachment(**{**values, **fields})


@pytest.mark.parametrize(
    ("attachment", "words"),
    [
        (changed(container_id=""), "no container's id"),
        (changed(container_id="../x"), "no container's id"),
        (changed(ifname=""), "no interface's name"),
        (changed(ifname="."), "no interface's name"),
        (changed(ifname="a/b"), "no interface's name"),
        (changed(ifname="a b"), "no interface's name"),
        (changed(ifname="a:b"), "no interface's name"),
        (changed(ifname="abcdefghijklmnop"), "longer than 15"),
        (changed(ifname="ééééééé1é"), "longer than 15"),
        (changed(netns=""), "no network namespace"),
        (changed(args=(("a=b", "c"),)), "argument 'a=b'"),
        (changed(args=(("a", "b;c=d"),)), "argument 'a'"),
    ],
)
async def test_what_no_plugin_would_take_is_refused_first(
    fake: FakePlugins, cni: Cni, attachment: Attachment, words: str
) -> None:
    fake.add("bridge")
    with pytest.raises(errors.InvalidArgument, match=words):
        await cni.add(network("bridge"), attachment)
    assert fake.calls() == []


async def test_check_asks_forward_with_the_cached_result(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", ADD=ADD_RESULT)
    fake.add("portmap")
    both = network("bridge", "portmap")
    with pytest.raises(errors.NotFound, match="no result of it is cached"):
        await cni.check(both, ATTACHMENT)
    await cni.add(both, ATTACHMENT)
    assert await cni.check(network("bridge", "portmap", version="0.4.0"), Attachment("web-1", "eth0"))
    assert fake.order()[2:] == [("CHECK", "bridge"), ("CHECK", "portmap")]
    call = fake.calls()[-1]
    assert call.document["prevResult"]["ips"] == [{"version": "4", "address": "10.1.0.2/16"}]
    assert call.environment["CNI_NETNS"] == "/run/netns/web"


async def test_check_is_left_out_where_the_network_says_so(fake: FakePlugins, cni: Cni) -> None:
    assert not await cni.check(network("bridge", disableCheck="true"), ATTACHMENT)
    with pytest.raises(errors.Unimplemented, match=r"0\.3\.1 is before 0\.4\.0"):
        await cni.check(network("bridge", version="0.3.1"), ATTACHMENT)


@pytest.mark.parametrize(
    "answer",
    [refusal(3, "missing containerID"), refusal(4, "unknown"), refusal(100, "unknown CNI_COMMAND: STATUS")],
)
async def test_a_plugin_that_does_not_know_status_is_asked_once(
    fake: FakePlugins, cni: Cni, answer: dict[str, Any]
) -> None:
    fake.add("old", STATUS=answer)
    fake.add("ready")
    fake.add("sick", STATUS=refusal(50, "no daemon"))
    asked = network("old", "ready", "sick", "none", version="1.1.0")
    for _ in range(2):
        verdicts = await cni.status(asked)
        states = [verdict.state for verdict in verdicts]
        assert states == [State.UNSUPPORTED, State.DONE, State.FAILED, State.FAILED]
        assert "code 50: no daemon" in str(verdicts[2].error)
        assert "no such binary" in str(verdicts[3].error)
    assert [plugin for _, plugin in fake.order()] == ["old", "ready", "sick", "ready", "sick"]
    assert "CNI_CONTAINERID" not in fake.calls()[0].environment


async def test_networks_before_1_1_have_no_status(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge")
    (verdict,) = await cni.status(network("bridge"))
    assert verdict.state is State.UNSUPPORTED
    assert fake.calls() == []


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"output": '{"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0"]}'}, ("0.4.0", "1.0.0")),
        (refusal(4, "unknown CNI_COMMAND: VERSION"), ("0.1.0",)),
    ],
)
async def test_versions(fake: FakePlugins, cni: Cni, answer: dict[str, Any], expected: tuple[str, ...]) -> None:
    fake.add("bridge", VERSION=answer)
    assert await cni.plugins.versions("bridge") == expected


async def test_binaries_are_those_of_addresses_too(fake: FakePlugins, cni: Cni) -> None:
    fake.add("bridge", VERSION={"output": '{"supportedVersions": ["1.0.0"]}'})
    fake.add("static", VERSION={"output": "{}"})
    plugins = network({"type": "bridge", "ipam": {"type": "static"}}, {"type": "bridge", "ipam": {"type": "none"}})
    assert needed(plugins) == ("bridge", "static", "none")
    bridge, static, none = await cni.binaries(plugins)
    assert (bridge.path, bridge.versions, bridge.problem) == (str(fake.path / "bridge"), ("1.0.0",), "")
    assert "no supportedVersions" in static.problem
    assert "no such binary" in none.problem


async def test_one_at_a_time(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge", ADD={"hang": True})
    waiting = client(fake, tmp_path, within=0.2)
    first = asyncio.create_task(cni.add(network("bridge"), ATTACHMENT))
    async with asyncio.timeout(20):
        while not fake.calls():
            await asyncio.sleep(0.01)
    operations: list[Callable[[], Any]] = [
        lambda: waiting.add(network("bridge"), changed(ifname="eth1")),
        lambda: waiting.delete("net", ATTACHMENT),
    ]
    for operation in operations:
        with pytest.raises(errors.Aborted, match=r"kubenode\.lock for more than 0\.2 s"):
            await operation()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert await waiting.delete("net", ATTACHMENT) is False


async def test_the_cache_is_readable_by_its_owner_alone(fake: FakePlugins, cni: Cni, tmp_path: Path) -> None:
    fake.add("bridge")
    await cni.add(network("bridge"), ATTACHMENT)
    file = tmp_path / "cache" / "results" / "net-web-1-eth0"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
