"""Drivers as others wrote them: any id is got, no node is told truly, no list has all, some calls are missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from grpc import StatusCode

from kubenode.clients.errors import KubenodeError
from kubenode.clients.stubs import csi_pb2 as pb
from kubenode.resources import csi_attachment, csi_info, csi_snapshot, csi_volume, csi_volume_info
from kubenode.resources.options import read
from kubenode.resources.result import Result
from support.fake_server import FakeServer, Refused

Rpc = pb.ControllerServiceCapability.RPC.Type


class Careless(FakeServer):
    """Its volumes have ids of its own. `can`: the capabilities of its controller, beside CREATE_DELETE_VOLUME."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, pb.DESCRIPTOR)
        self.can = {"GET_VOLUME", "LIST_VOLUMES"}
        self.controller = True
        self.volumes: dict[str, str] = {}
        self.size = 0

    async def get_plugin_info(self, _request: Any) -> Any:
        return pb.GetPluginInfoResponse(name="careless.test")

    async def get_plugin_capabilities(self, _request: Any) -> Any:
        answer = pb.GetPluginCapabilitiesResponse()
        if self.controller:
            answer.capabilities.add().service.type = pb.PluginCapability.Service.CONTROLLER_SERVICE
        return answer

    async def probe(self, _request: Any) -> Any:
        return pb.ProbeResponse()

    async def controller_get_capabilities(self, _request: Any) -> Any:
        answer = pb.ControllerGetCapabilitiesResponse()
        for name in sorted(self.can | {"CREATE_DELETE_VOLUME"}):
            answer.capabilities.add().rpc.type = Rpc.Value(name)
        return answer

    async def create_volume(self, request: Any) -> Any:
        there = next((one for one, name in self.volumes.items() if name == request.name), "")
        made = there or f"id-{len(self.volumes) + 1}"
        self.volumes[made] = request.name
        return pb.CreateVolumeResponse(volume=pb.Volume(volume_id=made, volume_context={"made": "so"}))

    async def delete_volume(self, request: Any) -> Any:
        if self.volumes.pop(request.volume_id, None) is None:
            raise Refused(StatusCode.NOT_FOUND, "there is none")
        return pb.DeleteVolumeResponse()

    async def controller_get_volume(self, request: Any) -> Any:
        answer = pb.ControllerGetVolumeResponse(volume=pb.Volume(volume_id=request.volume_id))
        answer.status.published_node_ids.append("me")
        answer.status.volume_condition.abnormal = request.volume_id not in self.volumes
        return answer

    async def list_volumes(self, request: Any) -> Any:
        answer = pb.ListVolumesResponse()
        for one in sorted(self.volumes)[: request.max_entries or None]:
            answer.entries.add(volume=pb.Volume(volume_id=one), status={"published_node_ids": ["me"]})
        return answer

    async def validate_volume_capabilities(self, request: Any) -> Any:
        if request.volume_id not in self.volumes:
            raise Refused(StatusCode.NOT_FOUND, "there is none")
        return pb.ValidateVolumeCapabilitiesResponse(
            confirmed=pb.ValidateVolumeCapabilitiesResponse.Confirmed(volume_capabilities=request.volume_capabilities)
        )


@pytest.fixture
async def driver(tmp_path: Path) -> AsyncIterator[Careless]:
    async with Careless(tmp_path / "csi.sock") as made:
        yield made


Task = Callable[..., Awaitable[Result]]


@pytest.fixture
def task(driver: Careless, tmp_path: Path) -> Task:
    """A task of csi_volume, or of `module`."""
    shared = {"endpoint": driver.endpoint, "state_directory": str(tmp_path / "state"), "retry_timeout": 0}

    async def run(module: Any = csi_volume, *, check: bool = False, **params: Any) -> Result:
        answer: Result = await module.run(read(module.Options, shared | params), check=check)
        return answer

    return run


def returned(result: Result) -> dict[str, Any]:
    return result.returned()


def changed(result: Result) -> bool:
    return bool(returned(result)["changed"])


async def test_a_volume_that_is_gone_is_made_again_though_the_driver_gets_any_id(driver: Careless, task: Task) -> None:
    assert changed(await task(name="data"))
    assert not changed(await task(name="data"))
    driver.volumes.clear()
    checked = await task(name="data", check=True)
    assert "which the driver has no more" in checked.steps[0].why
    assert changed(await task(name="data"))


async def test_nodes_are_not_believed_without_the_capability(driver: Careless, task: Task) -> None:
    await task(name="data")
    (told,) = returned(await task(csi_volume_info))["volumes"]
    assert told["published_node_ids"] == []
    assert changed(await task(name="data", state="absent"))
    assert not changed(await task(name="data", state="absent"))


async def test_a_driver_may_cut_its_list_where_it_is_asked_for_pages(driver: Careless, task: Task) -> None:
    driver.volumes = {f"id-{number}": f"name-{number}" for number in range(250)}
    assert len(returned(await task(csi_volume_info))["volumes"]) == 250


async def test_a_volume_that_was_there_is_found_and_nothing_is_said_to_be_changed(driver: Careless, task: Task) -> None:
    driver.volumes = {"id-7": "data"}
    checked = await task(name="data", check=True)
    assert (changed(checked), checked.values["certain"]) == (True, False)
    assert "has 1 of which none tells" in checked.warnings[0]
    found = await task(name="data")
    assert (changed(found), found.values["identified_by"]) == (False, "creation")
    assert returned(found)["volume"]["volume_id"] == "id-7"


async def test_a_volume_whose_id_is_its_name_is_found_by_it(driver: Careless, task: Task) -> None:
    driver.volumes = {"data": "data"}
    found = await task(name="data", check=True)
    assert (changed(found), found.values["identified_by"]) == (False, "name")
    assert changed(await task(name="data", state="absent"))
    assert driver.volumes == {}


async def test_a_size_that_is_not_told_is_the_one_that_was_asked_for(driver: Careless, task: Task) -> None:
    assert changed(await task(name="data", size="1Gi"))
    assert not changed(await task(name="data", size="1Gi"))
    with pytest.raises(KubenodeError, match="it has 1Gi, and this driver has no EXPAND_VOLUME"):
        await task(name="data", size="2Gi", check=True)


@pytest.mark.parametrize(("missing", "by"), [(False, "ValidateVolumeCapabilities"), (True, "record")])
async def test_what_a_driver_cannot_tell_is_remembered(driver: Careless, task: Task, missing: bool, by: str) -> None:
    driver.can = set()
    if missing:
        driver.unimplemented.add("ValidateVolumeCapabilities")
    made = await task(name="data")
    assert (changed(made), made.values["certain"]) == (True, False)
    again = await task(name="data")
    assert (changed(again), again.values["verified_by"]) == (False, by)
    assert returned(again)["volume"]["volume_context"] == {"made": "so"}


async def test_a_creation_that_timed_out_is_remembered_and_taken_back(driver: Careless, task: Task) -> None:
    driver.can = set()
    driver.fail("CreateVolume", StatusCode.DEADLINE_EXCEEDED, "slow", times=1)
    with pytest.raises(KubenodeError, match="slow"):
        await task(name="data")
    left = await task(name="data", state="absent", check=True)
    assert left.steps[0].verb == "delete volume data"
    assert changed(await task(name="data", state="absent"))
    assert (driver.calls["CreateVolume"], driver.calls["DeleteVolume"], driver.volumes) == (2, 1, {})


async def test_a_creation_that_was_refused_leaves_nothing(driver: Careless, task: Task, tmp_path: Path) -> None:
    driver.fail("CreateVolume", StatusCode.INVALID_ARGUMENT, "no secret-value", times=1)
    with pytest.raises(KubenodeError, match=r"no \*\*\*") as failed:
        await task(name="data", secrets={"key": "secret-value"})
    assert "secret-value" not in str(failed.value)
    assert [path for path in (tmp_path / "state").rglob("*") if path.is_file()] == []


async def test_secrets_reach_the_driver_and_no_file(driver: Careless, task: Task, tmp_path: Path) -> None:
    await task(name="data", secrets={"key": "secret-value"})
    (request,) = [request for name, request in driver.requests if name == "CreateVolume"]
    assert isinstance(request, pb.CreateVolumeRequest)
    assert dict(request.secrets) == {"key": "secret-value"}
    kept = [path for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert b"secret-value" not in kept[0].read_bytes()


async def test_a_driver_that_is_a_node_only_makes_no_volumes(driver: Careless, task: Task) -> None:
    driver.controller = False
    with pytest.raises(KubenodeError, match="no CREATE_DELETE_VOLUME"):
        await task(name="data")
    told = returned(await task(csi_info))["driver"]
    assert told["capabilities"]["controller"] == []
    assert "node" not in told


async def test_what_has_no_record_is_said_with_its_option(task: Task) -> None:
    with pytest.raises(KubenodeError, match="no record on this node tells of a volume data"):
        await task(csi_attachment, name="data", node_id="me")
    with pytest.raises(KubenodeError, match="no CREATE_DELETE_SNAPSHOT"):
        await task(csi_snapshot, name="snapshot", source_volume="data")


async def test_a_record_that_is_broken_is_named(task: Task, tmp_path: Path) -> None:
    await task(name="data")
    (path,) = (path for path in (tmp_path / "state").rglob("*.json"))
    path.write_text("{")
    with pytest.raises(KubenodeError, match=f"{path}, a record of kubenode, cannot be understood"):
        await task(name="data")


async def test_a_call_that_is_busy_is_asked_again(driver: Careless, task: Task) -> None:
    driver.fail("CreateVolume", StatusCode.ABORTED, "busy", times=2)
    assert changed(await task(name="data", retry_timeout=20))
    assert driver.calls["CreateVolume"] == 3
