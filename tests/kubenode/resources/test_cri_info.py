"""What a runtime tells of itself, told; the fake lacks what older ones lack."""

from __future__ import annotations

import pytest
from grpc import StatusCode

from kubenode.clients.errors import Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.observe.runtime_info import parsed
from kubenode.resources import cri_info
from kubenode.resources.options import read
from support.fake_cri import FakeCri


async def _told(fake: FakeCri, **params: object) -> dict[str, object]:
    options = read(cri_info.Options, {"runtime_endpoint": fake.endpoint, **params})
    told: dict[str, object] = (await cri_info.run(options, check=False)).returned()["runtime"]
    return told


async def test_version_conditions_and_driver(fake_cri: FakeCri) -> None:
    fake_cri.cgroup_driver = pb.SYSTEMD
    told = await _told(fake_cri)
    assert (told["name"], told["version"], told["api_version"]) == ("fake", "1.0.0", "v1")
    assert told["ready"] is True
    assert told["cgroup_driver"] == "systemd"
    assert told["features"] is None
    assert told["info"] is None


async def test_a_network_that_is_not_ready(fake_cri: FakeCri) -> None:
    fake_cri.conditions["NetworkReady"] = False
    assert (await _told(fake_cri))["ready"] is False


async def test_what_is_missing_is_null_and_no_error(fake_cri: FakeCri) -> None:
    fake_cri.unimplemented |= {"RuntimeConfig", "ImageFsInfo", "GetContainerEvents"}
    told = await _told(fake_cri)
    assert told["cgroup_driver"] is None
    assert told["image_filesystems"] is None
    rpcs = told["optional_rpcs"]
    assert isinstance(rpcs, dict)
    assert (rpcs["RuntimeConfig"], rpcs["GetContainerEvents"], rpcs["StreamContainers"]) == (False, False, False)


async def test_a_subscription_that_says_nothing_is_one(fake_cri: FakeCri) -> None:
    rpcs = (await _told(fake_cri))["optional_rpcs"]
    assert isinstance(rpcs, dict)
    assert (rpcs["RuntimeConfig"], rpcs["GetContainerEvents"]) == (True, True)


async def test_nothing_is_tried_unless_asked_for(fake_cri: FakeCri) -> None:
    assert (await _told(fake_cri, probe_rpcs=False))["optional_rpcs"] == {"RuntimeConfig": True}
    assert set(fake_cri.calls) == {"Version", "Status", "RuntimeConfig", "ImageFsInfo"}


async def test_an_error_is_no_missing_call(fake_cri: FakeCri) -> None:
    fake_cri.fail("RuntimeConfig", StatusCode.UNAVAILABLE)
    with pytest.raises(Unavailable):
        await _told(fake_cri)


def test_verbose_values_are_parsed_and_secrets_hidden() -> None:
    config = '{"registry": {"configs": {"r": {"auth": {"username": "u", "password": "p"}}}}, "sandboxImage": "pause"}'
    assert parsed({"config": config, "golang": "go1.19.8", "n": '"text"'}) == {
        "config": {
            "registry": {"configs": {"r": {"auth": {"username": "u", "password": "(hidden)"}}}},
            "sandboxImage": "pause",
        },
        "golang": "go1.19.8",
        "n": "text",
    }
