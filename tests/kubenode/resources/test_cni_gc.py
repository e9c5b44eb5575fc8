"""Garbage beside the fake runtime, with plugins of the test's own."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import load
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.resources import cni_gc, cni_info
from kubenode.resources.options import OptionError, read
from kubenode.resources.result import ResourceError
from support.cni_plugins import FakePlugins, refusal
from support.fake_cri import FakeCri


@pytest.fixture
def plugins(tmp_path: Path) -> FakePlugins:
    fake = FakePlugins(tmp_path / "bin")
    fake.add("bridge")
    (tmp_path / "net.d").mkdir()
    write(tmp_path)
    return fake


def write(folder: Path, version: str = "1.0.0", **more: Any) -> None:
    ipam = {"type": "host-local", "dataDir": str(folder / "data"), "ranges": [[{"subnet": "10.0.0.0/24"}]]}
    document = {"cniVersion": version, "name": "net", "plugins": [{"type": "bridge", "ipam": ipam}], **more}
    (folder / "net.d" / "10-net.conflist").write_text(json.dumps(document))


async def attach(folder: Path, container: str, netns: str = "/no/such") -> None:
    cni = Cni([folder / "bin"], cache_directory=folder / "cache")
    await cni.add(load(folder / "net.d").network("net"), Attachment(container, "eth0", netns))


def reserve(folder: Path, address: str, owner: str) -> Path:
    file = folder / "data" / "net" / address
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{owner}\r\neth0")
    os.utime(file, (0, 0))
    return file


def places(folder: Path) -> dict[str, Any]:
    return {
        "conf_dir": str(folder / "net.d"),
        "bin_dirs": [str(folder / "bin")],
        "cache_dir": str(folder / "cache"),
    }


async def run(folder: Path, *, check: bool = False, **params: Any) -> dict[str, Any]:
    options = read(cni_gc.Options, {**places(folder), "runtime": False, **params})
    return (await cni_gc.run(options, check=check)).returned()


async def started(fake: FakeCri) -> str:
    config = pb.PodSandboxConfig(metadata=pb.PodSandboxMetadata(name="web", namespace="shop", uid="u"))
    return (await fake.run_pod_sandbox(pb.RunPodSandboxRequest(config=config))).pod_sandbox_id


async def test_check_mode_tells_what_a_run_does(tmp_path: Path, plugins: FakePlugins, fake_cri: FakeCri) -> None:
    sandbox = await started(fake_cri)
    ip = (await fake_cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=sandbox))).status.network.ip
    for container in (sandbox, "gone", "given"):
        await attach(tmp_path, container)
    await attach(tmp_path, "router", str(tmp_path))
    kept = [reserve(tmp_path, ip, "somebody-else"), reserve(tmp_path, "10.0.0.77", sandbox)]
    lost = reserve(tmp_path, "10.0.0.99", "lost")
    calls = plugins.order()
    asked: dict[str, Any] = {
        "runtime": True,
        "runtime_endpoint": fake_cri.endpoint,
        "valid_attachments": [{"container_id": "given"}],
    }
    foreseen = await run(tmp_path, check=True, **asked)
    assert [one["container_id"] for one in foreseen["detached"]] == ["gone"]
    assert [one["address"] for one in foreseen["freed"]] == ["10.0.0.99"]
    assert (plugins.order(), lost.exists()) == (calls, True)
    done = await run(tmp_path, **asked)
    assert done == foreseen
    assert plugins.order()[len(calls) :] == [("DEL", "bridge")]
    assert (lost.exists(), all(file.exists() for file in kept)) == (False, True)
    again = await run(tmp_path, **asked)
    assert (again["changed"], "diff" in again, again["kept"]) == (False, False, done["kept"])


async def test_nothing_goes_while_the_runtime_cannot_be_asked(tmp_path: Path, plugins: FakePlugins) -> None:
    await attach(tmp_path, "gone")
    for check in (True, False):
        with pytest.raises(ResourceError, match="Nothing was cleaned up, as it cannot be told which pods live"):
            await run(tmp_path, check=check, runtime=True, runtime_endpoint=f"unix://{tmp_path}/dead.sock")
    assert plugins.order() == [("ADD", "bridge")]


async def test_one_that_cannot_be_detached_does_not_keep_the_others(tmp_path: Path, plugins: FakePlugins) -> None:
    await attach(tmp_path, "gone")
    lost = reserve(tmp_path, "10.0.0.99", "lost")
    plugins.add("bridge", DEL=refusal(11, "busy"))
    with pytest.raises(ResourceError, match=r"Not all could be cleaned up: DEL of container gone .* busy") as caught:
        await run(tmp_path)
    assert (caught.value.values["detached"], len(caught.value.values["freed"])) == ([], 1)  # type: ignore[arg-type]
    assert caught.value.values["changed"] is True
    assert not lost.exists()


async def test_plugins_of_1_1_are_asked_and_their_failure_is_told(tmp_path: Path, plugins: FakePlugins) -> None:
    write(tmp_path, "1.1.0")
    await attach(tmp_path, "given")
    valid = [{"container_id": "given"}]
    done = await run(tmp_path, valid_attachments=valid)
    assert (done["changed"], [one["state"] for one in done["plugins"]]) == (False, ["done"])
    told = plugins.calls()[-1].document["cni.dev/valid-attachments"]
    assert told == [{"containerID": "given", "ifname": "eth0"}]
    assert (await run(tmp_path, valid_attachments=valid, check=True))["plugins"] == []
    plugins.add("bridge", GC=refusal(100, "no"))
    with pytest.raises(ResourceError, match="code 100: no"):
        await run(tmp_path, valid_attachments=valid)


async def test_what_forbids_gc_stays_and_what_has_no_file_goes(tmp_path: Path, plugins: FakePlugins) -> None:
    write(tmp_path, disableGC=True)
    await attach(tmp_path, "gone")
    reserve(tmp_path, "10.0.0.99", "lost")
    assert not (await run(tmp_path))["changed"]
    write(tmp_path)
    (tmp_path / "net.d" / "20-b.conflist").write_text("{")
    (tmp_path / "net.d" / "10-net.conflist").unlink()
    await attach_as(tmp_path, "other")
    done = await run(tmp_path, networks=["other"])
    assert [one["network"] for one in done["detached"]] == ["other"]


async def attach_as(folder: Path, name: str) -> None:
    write(folder, name=name)
    cni = Cni([folder / "bin"], cache_directory=folder / "cache")
    await cni.add(load(folder / "net.d").network(name), Attachment("gone", "eth0", "/no/such"))
    (folder / "net.d" / "10-net.conflist").unlink()


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"grace": -1}, "grace: -1 must be 0 seconds or more"),
        ({"networks": ["other"]}, r"networks: there is no network 'other' .* There are: net\."),
        ({"valid_attachments": [{"ifname": "eth0"}]}, r"valid_attachments\[0\]: .*container_id"),
    ],
)
async def test_options_that_cannot_be(tmp_path: Path, plugins: FakePlugins, params: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        await run(tmp_path, **params)


async def test_what_is_there_is_told(tmp_path: Path, plugins: FakePlugins) -> None:
    await attach(tmp_path, "c1", str(tmp_path))
    reserve(tmp_path, "10.0.0.2", "c1")
    options = read(cni_info.Options, places(tmp_path))
    told = (await cni_info.run(options, check=False)).returned()
    assert [one["netns_exists"] for one in told["attachments"]] == [True]
    (net,) = told["networks"]
    assert (net["attachments"], net["ranges"][0]["free"], net["first"]) == (1, 252, True)
    assert [one["type"] for one in told["plugins"]] == ["bridge", "host-local"]
    assert not told["changed"]
