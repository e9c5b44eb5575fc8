"""The tests' own CSI driver, by our client: as strict as the specification, failing as told, surviving kill -9."""

from __future__ import annotations

import asyncio
import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import msgspec
import pytest
from grpc import aio

from kubenode.apply import csi_mounts
from kubenode.apply.csi_volumes import (
    attach,
    create_group_snapshot,
    create_snapshot,
    create_volume,
    delete_group_snapshot,
    delete_snapshot,
    delete_volume,
    detach,
    expand_volume,
    modify_volume,
    ready_snapshot,
)
from kubenode.clients.csi import CsiClient
from kubenode.clients.csi_errors import FailedPrecondition, OutOfRange, retrying
from kubenode.clients.errors import (
    Aborted,
    AlreadyExists,
    ClientError,
    DeadlineExceeded,
    InvalidArgument,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    RuntimeFailure,
    Unavailable,
    Unimplemented,
)
from kubenode.clients.mounts import mounts_below
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.model.csi import Attachment, ContentSource, Topology, VolumeCapability, VolumeSource, WantedVolume
from kubenode.model.csi_rules import VolumeData
from kubenode.observe import csi as seen
from support.csi_process import SCRIPT, CsiDriver
from support.csi_subject import MIB, Subject, subject
from support.private_mounts import needs_root, private_mounts

pytestmark = needs_root
GROUP = 4711
TESTS = SCRIPT.parents[1]
RUN = f"""
import pathlib, sys, threading
sys.path.insert(0, {str(TESTS)!r})
from support.csi_process import CsiDriver
driver = CsiDriver(pathlib.Path(sys.argv[1]))
driver.start()
print(driver.process.pid, flush=True)
threading.Event().wait()
"""


@pytest.fixture(autouse=True)
def own_mounts() -> Iterator[None]:
    with private_mounts():
        yield


def make_directory(path: str) -> None:
    Path(path).mkdir(parents=True)


def touch(path: Path) -> None:
    path.touch()


def is_there(path: str) -> bool:
    return Path(path).exists()


def group_of(path: str) -> int:
    return Path(path).stat().st_gid


@asynccontextmanager
async def running(folder: Path, *options: str) -> AsyncIterator[tuple[CsiDriver, Subject]]:
    with CsiDriver(folder, *options) as driver:
        async with subject(driver.endpoint, folder / "mounts") as made:
            yield driver, made


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[tuple[CsiDriver, Subject]]:
    async with running(tmp_path, "--other-node=node-b") as made:
        yield made


async def test_every_call_is_written_down_without_its_secrets(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    with pytest.raises(InvalidArgument):
        await made.csi.create_volume(pb.CreateVolumeRequest(name="n", secrets={"key": "hush-hush"}))
    assert driver.calls("CreateVolume") == [
        {"call": "CreateVolume", "request": {"name": "n", "secrets": {"key": "***"}}, "code": "INVALID_ARGUMENT"}
    ]


async def test_secrets_are_asked_for_and_told_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "secrets.json"
    file.write_text(json.dumps({"key": "hush-hush"}))
    async with running(tmp_path, f"--secrets-file={file}") as (driver, made):
        with pytest.raises(PermissionDenied, match="secrets are missing or wrong"):
            await made.volume()
        made.secrets = {"key": "hush-hush"}
        await made.volume()
        driver.fail("CreateVolume", "INTERNAL", message="cannot log in with hush-hush")
        with pytest.raises(ClientError, match=r"log in with \*\*\*") as caught:
            await made.volume()
        assert "hush-hush" not in "".join(traceback.format_exception(caught.value))
        assert "hush-hush" not in (driver.root / "calls.jsonl").read_text()


async def test_a_failure_that_is_not_final_is_got_over(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    driver.fail("CreateVolume", "ABORTED", times=2)
    driver.fail("CreateVolume", "UNAVAILABLE")
    await retrying(made.volume, within=10, first_pause=0.01)
    codes = [call["code"] for call in driver.calls("CreateVolume")]
    assert codes == ["ABORTED", "ABORTED", "UNAVAILABLE", "OK"]


async def test_an_answer_that_is_lost_makes_no_second_volume(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    driver.fail("CreateVolume", "DEADLINE_EXCEEDED", after=True)
    wanted = made.wanted()
    volume = await retrying(lambda: made.volume(wanted), within=10, first_pause=0.01)
    assert [one.volume.volume_id async for one in seen.volumes(made.csi)] == [volume.volume_id]


async def test_a_call_that_takes_too_long_is_given_up_and_asked_again(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    go = made.folder.parent / "go"
    driver.fail("DeleteVolume", hold=str(go))
    volume = await made.volume()
    request = pb.DeleteVolumeRequest(volume_id=volume.volume_id)
    with pytest.raises(DeadlineExceeded, match=r"no answer within 1 s"):
        await made.csi.delete_volume(request, timeout=1)
    with pytest.raises(Aborted, match="pending"):
        await made.csi.delete_volume(request)
    touch(go)
    await retrying(lambda: made.csi.delete_volume(request), within=10, first_pause=0.05)


async def test_it_is_waited_for_until_it_is_ready(tmp_path: Path) -> None:
    with CsiDriver(tmp_path, "--not-ready=2") as driver:
        async with CsiClient(driver.endpoint) as csi:
            with pytest.raises(Unavailable, match="says that it is not ready"):
                await seen.wait_ready(csi, within=0)
            await seen.wait_ready(csi, within=10)
        assert len(driver.calls("Probe")) == 3


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(
    "call", ["CreateVolume", "ControllerPublishVolume", "NodeStageVolume", "NodePublishVolume", "NodeUnpublishVolume"]
)
async def test_killed_at_any_call_it_carries_on(both: tuple[CsiDriver, Subject], call: str, after: bool) -> None:
    driver, made = both
    driver.fail(call, kill=True, after=after)

    async def all_the_way() -> None:
        mount = await made.mounted(await made.volume(wanted))
        await csi_mounts.unmount_volume(made.csi, mount, made.can.node)

    wanted = made.wanted()
    with pytest.raises(Unavailable):
        await all_the_way()
    driver.kill()
    driver.start()
    await retrying(all_the_way, within=10, first_pause=0.05)
    assert len(made.volumes) == 1
    assert mounts_below(str(made.folder)) == []


async def test_mounts_outlive_the_driver(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    mount = await made.mounted()
    (Path(mount.target_path) / "kept").write_text("x")
    driver.kill()
    assert (Path(mount.target_path) / "kept").read_text() == "x"
    driver.start()
    await retrying(lambda: made.mount_it(mount), within=10, first_pause=0.05)
    assert len(mounts_below(mount.target_path)) == 1


def test_when_it_is_ended_nothing_stays(tmp_path: Path) -> None:
    command = [sys.executable, str(SCRIPT), f"--endpoint=unix://{tmp_path}/csi.sock", f"--root={tmp_path}/driver"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "serving\n"
        assert (tmp_path / "driver").is_dir()
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert list(tmp_path.iterdir()) == []


def test_of_a_killed_test_nothing_goes_on(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout is not None
        driver = os.pidfd_open(int(run.stdout.readline()))
        run.kill()
    assert select.select([driver], [], [], 20)[0], "it goes on"
    os.close(driver)


async def test_it_is_strict_about_order(both: tuple[CsiDriver, Subject]) -> None:
    _, made = both
    volume = await made.volume()
    mount = made.mount(volume, {"attachment": "none"})
    make_directory(mount.staging_path)
    with pytest.raises(FailedPrecondition, match="not attached"):
        await csi_mounts.stage(made.csi, mount)
    mount = made.mount(volume, await made.attach(volume))
    with pytest.raises(FailedPrecondition, match="not staged"):
        await csi_mounts.publish(made.csi, mount)
    await made.mount_it(mount)
    with pytest.raises(FailedPrecondition, match="still published"):
        await csi_mounts.unstage(made.csi, volume.volume_id, mount.staging_path)
    with pytest.raises(FailedPrecondition, match="still used"):
        await detach(made.csi, volume.volume_id, "")
    with pytest.raises(FailedPrecondition, match="in use"):
        await delete_volume(made.csi, volume.volume_id)


async def test_one_node_at_a_time(both: tuple[CsiDriver, Subject]) -> None:
    _, made = both
    volume = await made.volume()
    here = Attachment(volume_id=volume.volume_id, node_id="node-a", volume_context=volume.volume_context)
    await attach(made.csi, here)
    with pytest.raises(AlreadyExists):
        await attach(made.csi, msgspec.structs.replace(here, read_only=True))
    with pytest.raises(FailedPrecondition, match="attached to node-a"):
        await attach(made.csi, msgspec.structs.replace(here, node_id="node-b"))
    await detach(made.csi, volume.volume_id, "node-a")
    await attach(made.csi, msgspec.structs.replace(here, node_id="node-b"))
    found = await seen.volume(made.csi, volume.volume_id, made.can)
    assert found is not None
    assert found.status.published_node_ids == ("node-b",)
    await detach(made.csi, volume.volume_id, "")


@pytest.mark.parametrize(
    ("mode", "several"), [("SINGLE_NODE_MULTI_WRITER", True), ("SINGLE_NODE_SINGLE_WRITER", False)]
)
async def test_how_many_mounts_a_mode_allows(both: tuple[CsiDriver, Subject], mode: str, several: bool) -> None:
    _, made = both
    capability = VolumeCapability(access_mode=mode)
    volume = await made.volume(made.wanted(capability=capability))
    context = await made.attach(volume, capability)
    await made.mount_it(made.mount(volume, context, capability=capability))
    second = made.mount(volume, context, place="second", capability=capability)
    if several:
        await made.mount_it(second)
        return
    with pytest.raises(FailedPrecondition, match="published at"):
        await made.mount_it(second)


async def test_a_node_holds_so_many_volumes(tmp_path: Path) -> None:
    async with running(tmp_path, "--max-volumes=1") as (_, made):
        assert made.node.max_volumes_per_node == 1
        await made.attach(await made.volume())
        with pytest.raises(ResourceExhausted, match="no more fit"):
            await made.attach(await made.volume())


async def test_space_ends(tmp_path: Path) -> None:
    async with running(tmp_path, f"--capacity={10 * MIB}") as (_, made):
        assert (await seen.capacity(made.csi)).available_capacity == 10 * MIB
        first = await made.volume()
        assert (await seen.capacity(made.csi)).available_capacity == 2 * MIB
        with pytest.raises(ResourceExhausted):
            await made.volume()
        with pytest.raises(ResourceExhausted):
            await expand_volume(made.csi, first.volume_id, 11 * MIB)


async def test_elsewhere_there_is_nothing(tmp_path: Path) -> None:
    async with running(tmp_path, "--topology=zone=a", "--topology=rack=1") as (_, made):
        assert made.node.accessible_topology == Topology(segments={"zone": "a", "rack": "1"})
        here, elsewhere = Topology(segments={"zone": "a"}), Topology(segments={"zone": "b"})
        assert (await seen.capacity(made.csi, topology=elsewhere)).available_capacity == 0
        wanted = made.wanted()
        with pytest.raises(ResourceExhausted):
            await made.volume(msgspec.structs.replace(wanted, requisite=(elsewhere,)))
        volume = await made.volume(msgspec.structs.replace(wanted, requisite=(elsewhere, here)))
        assert volume.accessible_topology == (made.node.accessible_topology,)


async def test_a_file_system_grows_when_the_node_grows_it(both: tuple[CsiDriver, Subject]) -> None:
    _, made = both
    volume = await made.volume()
    mount = await made.mounted(volume)

    async def shown() -> int:
        return (await seen.volume_stats(made.csi, volume.volume_id, mount.target_path)).usage[0].total

    assert await expand_volume(made.csi, volume.volume_id, 16 * MIB) == (16 * MIB, True)
    assert await shown() == 8 * MIB
    assert await made.mount_it(msgspec.structs.replace(mount, expand_to=16 * MIB)) == 16 * MIB
    assert await shown() == 16 * MIB
    with pytest.raises(OutOfRange):
        await csi_mounts.expand(made.csi, msgspec.structs.replace(mount, expand_to=17 * MIB))


async def test_a_driver_that_grows_only_what_is_not_mounted(tmp_path: Path) -> None:
    async with running(tmp_path, "--without=plugin:ONLINE") as (_, made):
        mount = await made.mounted()
        with pytest.raises(FailedPrecondition):
            await expand_volume(made.csi, mount.volume_id, 16 * MIB)


async def test_a_snapshot_is_ready_later(tmp_path: Path) -> None:
    async with running(tmp_path, "--snapshot-ready-after=2") as (_, made):
        volume, name = await made.volume(), made.name()
        ready = [(await made.snapshot(volume, name)).ready_to_use for _ in range(4)]
        assert ready == [False, False, True, True]
        with pytest.raises(DeadlineExceeded, match=r"not ready within 0 s\. It goes on"):
            await ready_snapshot(made.csi, name := made.name(), volume.volume_id, within=0)
        assert (await ready_snapshot(made.csi, name, volume.volume_id, within=10)).ready_to_use
        with pytest.raises(NotFound):
            await create_snapshot(made.csi, made.name(), "no-such-volume")


async def test_parameters_that_it_has_not_are_refused(both: tuple[CsiDriver, Subject]) -> None:
    _, made = both
    with pytest.raises(InvalidArgument, match="no parameter color"):
        await made.volume(msgspec.structs.replace(made.wanted(), parameters={"color": "red"}))
    volume = await made.volume(msgspec.structs.replace(made.wanted(), parameters={"kind": "fast"}))
    await modify_volume(made.csi, volume.volume_id, {"iops": "100"})
    with pytest.raises(InvalidArgument, match="no mutable parameter iops"):
        await modify_volume(made.csi, volume.volume_id, {"iops": "many"})


async def test_one_that_stages_and_attaches_nothing(tmp_path: Path) -> None:
    options = ("node:STAGE_UNSTAGE_VOLUME", "node:EXPAND_VOLUME", "controller:PUBLISH_UNPUBLISH_VOLUME")
    async with running(tmp_path, *(f"--without={one}" for one in options)) as (driver, made):
        mount = await made.mounted()
        assert not is_there(mount.staging_path)
        await csi_mounts.unmount_volume(made.csi, mount, made.can.node)
        assert not {"NodeStageVolume", "NodeUnstageVolume"} & {call["call"] for call in driver.calls()}
        with pytest.raises(Unimplemented):
            await csi_mounts.stage(made.csi, mount)


async def test_one_without_a_controller_has_none(tmp_path: Path) -> None:
    async with running(tmp_path, "--without=plugin:CONTROLLER_SERVICE") as (_, made):
        assert made.can.controller == frozenset()
        assert made.can.node
        with pytest.raises(Unimplemented):
            await made.volume()


async def test_a_volume_is_the_groups(both: tuple[CsiDriver, Subject]) -> None:
    _, made = both
    capability = VolumeCapability(volume_mount_group=str(GROUP))
    volume = await made.volume()
    mount = made.mount(volume, await made.attach(volume), capability=capability)
    await made.mount_it(mount)
    assert group_of(mount.target_path) == GROUP


async def test_two_at_once_on_one_volume(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    volume = await made.volume()
    mount = made.mount(volume, await made.attach(volume))
    go = made.folder / "go"
    driver.fail("NodeStageVolume", hold=str(go))
    both_at_once = [asyncio.create_task(made.mount_it(mount)) for _ in range(2)]
    first, rest = await asyncio.wait(both_at_once, return_when=asyncio.FIRST_COMPLETED)
    with pytest.raises(Aborted, match="pending"):
        await first.pop()
    touch(go)
    assert await rest.pop() == 0


async def test_a_mount_that_fails_for_good_leaves_no_empty_directory(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    volume = await made.volume()
    mount = made.mount(volume, await made.attach(volume))
    driver.fail("NodeStageVolume", "INTERNAL")
    with pytest.raises(ClientError):
        await made.mount_it(mount)
    assert not is_there(mount.staging_path)
    driver.fail("NodeStageVolume", "ABORTED")
    with pytest.raises(Aborted):
        await made.mount_it(mount)
    assert is_there(mount.staging_path)


async def test_a_driver_that_lies_about_unmounting(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    mount = await made.mounted()
    (Path(mount.target_path) / "kept").write_text("x")
    driver.fail("NodeUnpublishVolume", "NOT_FOUND")
    with pytest.raises(OSError, match="still has it mounted"):
        await csi_mounts.unmount_volume(made.csi, mount, made.can.node)
    assert (Path(mount.target_path) / "kept").read_text() == "x"


def test_what_is_mounted_is_known_again(tmp_path: Path) -> None:
    directory, data = str(tmp_path / "pv"), VolumeData(driver_name="d", volume_handle="h", spec_vol_id="pv")
    assert csi_mounts.read_volume_data(directory) is None
    csi_mounts.write_volume_data(directory, data)
    assert csi_mounts.read_volume_data(directory) == data
    (tmp_path / "pv" / "vol_data.json").write_text("{")
    assert csi_mounts.read_volume_data(directory) is None
    csi_mounts.remove_volume_data(directory)
    csi_mounts.remove_volume_data(directory)
    assert list(tmp_path.iterdir()) == []


@asynccontextmanager
async def answering(folder: Path, volume: pb.Volume) -> AsyncIterator[CsiClient]:
    """A client of a driver that answers all with this volume, and with an empty snapshot."""
    answers = {
        "CreateVolume": pb.CreateVolumeResponse(volume=volume).SerializeToString(),
        "CreateSnapshot": b"",
    }
    handlers: dict[str, grpc.RpcMethodHandler[bytes, bytes]] = {
        name: grpc.unary_unary_rpc_method_handler(
            lambda _request, _context, answer=answer: answer, request_deserializer=None, response_serializer=None
        )
        for name, answer in answers.items()
    }
    server = aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("csi.v1.Controller", handlers),))
    server.add_insecure_port(f"unix:{folder}/csi.sock")
    await server.start()
    async with CsiClient(f"unix://{folder}/csi.sock") as csi:
        yield csi
    await server.stop(None)


async def test_a_driver_that_gives_no_id_is_at_fault(tmp_path: Path) -> None:
    async with answering(tmp_path, pb.Volume()) as csi:
        with pytest.raises(RuntimeFailure, match=r"CreateVolume of volume n failed .* gives it no id"):
            await create_volume(csi, WantedVolume(name="n"))
        with pytest.raises(RuntimeFailure, match=r"CreateSnapshot of snapshot n failed .* gives it no id"):
            await create_snapshot(csi, "n", "v")


async def test_a_driver_that_makes_empty_clones_is_at_fault(tmp_path: Path) -> None:
    wanted = WantedVolume(name="n", source=ContentSource(volume=VolumeSource(volume_id="full")))
    async with answering(tmp_path, pb.Volume(volume_id="empty")) as csi:
        with pytest.raises(RuntimeFailure, match=r"without the content .* Remove the volume empty"):
            await create_volume(csi, wanted)


async def test_a_delay_is_time_that_passes(both: tuple[CsiDriver, Subject]) -> None:
    driver, made = both
    driver.fail("Probe", delay=0.2)
    heard: list[tuple[str, float, ClientError | None]] = []
    async with CsiClient(made.csi.endpoint, on_call=lambda *call: heard.append(call)) as csi:
        await csi.probe()
    ((name, seconds, error),) = heard
    assert (name, error) == ("Probe", None)
    assert seconds >= 0.2


async def test_a_snapshot_of_a_group_goes_with_its_group(both: tuple[CsiDriver, Subject]) -> None:
    _, made = both
    name = made.name()
    group = await create_group_snapshot(made.csi, name, [(await made.volume()).volume_id])
    with pytest.raises(FailedPrecondition, match="is one of"):
        await delete_snapshot(made.csi, group.snapshots[0].snapshot_id)
    with pytest.raises(AlreadyExists):
        await create_group_snapshot(made.csi, name, [(await made.volume()).volume_id])
    await delete_group_snapshot(made.csi, group)
    assert [one async for one in seen.snapshots(made.csi)] == []
