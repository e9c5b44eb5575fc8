"""Networks written to a directory, with plugins of the test's own."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from kubenode.apply.files import FileChangeError
from kubenode.clients.cni.attachment import Attachment
from kubenode.clients.cni.client import Cni
from kubenode.clients.cni.directory import load
from kubenode.clients.cni.errors import NetworkError
from kubenode.resources import cni_config
from kubenode.resources.options import OptionError, read
from kubenode.resources.result import ResourceError
from support.cni_plugins import FakePlugins

VERSIONS = {"output": json.dumps({"cniVersion": "1.0.0", "supportedVersions": ["0.4.0", "1.0.0"]})}
NETWORK: dict[str, Any] = {"cniVersion": "1.0.0", "name": "pods", "plugins": [{"type": "bridge", "mtu": 1400}]}


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path) -> FakePlugins:
    fake = FakePlugins(tmp_path / "bin")
    fake.add("bridge", VERSION=VERSIONS)
    return fake


def options(folder: Path, **params: Any) -> cni_config.Options:
    given = {
        "conf_dir": str(folder / "net.d"),
        "bin_dirs": [str(folder / "bin")],
        "cache_dir": str(folder / "cache"),
        "backup_path": str(folder / "copies"),
        **params,
    }
    return read(cni_config.Options, given)


async def run(folder: Path, *, check: bool = False, **params: Any) -> dict[str, Any]:
    return (await cni_config.run(options(folder, **params), check=check)).returned()


def files(folder: Path) -> list[str]:
    return sorted(file.name for file in (folder / "net.d").glob("*"))


def read_back(path: str) -> tuple[object, int]:
    file = Path(path)
    return json.loads(file.read_text()), stat.S_IMODE(file.stat().st_mode)


async def test_check_mode_tells_what_a_run_does(tmp_path: Path) -> None:
    foreseen = await run(tmp_path, check=True, definition=NETWORK)
    assert foreseen["changed"]
    assert not (tmp_path / "net.d").exists()
    done = await run(tmp_path, definition=NETWORK)
    assert done == foreseen
    assert read_back(done["path"]) == (NETWORK, 0o600)
    assert files(tmp_path) == ["10-pods.conflist"]
    again = await run(tmp_path, definition=dict(reversed(NETWORK.items())))
    assert (again["changed"], "actions" in again) == (False, False)
    assert again["diff"]["before"] == again["diff"]["after"]


async def test_the_name_may_stand_beside_the_definition(tmp_path: Path) -> None:
    nameless = {key: value for key, value in NETWORK.items() if key != "name"}
    await run(tmp_path, definition=nameless, name="pods")
    assert not (await run(tmp_path, definition=NETWORK))["changed"]


async def test_one_field_is_one_line_and_the_old_file_is_kept(tmp_path: Path) -> None:
    await run(tmp_path, definition=NETWORK)
    other = {**NETWORK, "plugins": [{"type": "bridge", "mtu": 1450}]}
    done = await run(tmp_path, definition=other, backup=True)
    before, after = (done["diff"][when].splitlines() for when in ("before", "after"))
    changed = [pair for pair in zip(before, after, strict=True) if pair[0] != pair[1]]
    assert [(one.strip(), two.strip()) for one, two in changed] == [("- mtu: 1400", "- mtu: 1450")]
    assert read_back(done["backup_file"]) == (NETWORK, 0o600)
    assert done["backup_files"] == [done["backup_file"]]
    assert load(tmp_path / "copies").networks == ()


async def test_a_directory_beside_is_part_of_the_network(tmp_path: Path, plugins: FakePlugins) -> None:
    folder = tmp_path / "net.d" / "pods"
    folder.mkdir(parents=True)
    (folder / "10-more.conf").write_text('{"type": "more"}')
    with pytest.raises(ResourceError, match=r"plugins\[1\].type: more cannot be used"):
        await run(tmp_path, definition=NETWORK)
    plugins.add("more", VERSION=VERSIONS)
    assert (await run(tmp_path, definition={"cniVersion": "1.0.0", "name": "pods"}))["changed"]


async def test_problems_are_refused_by_their_severity(tmp_path: Path) -> None:
    wrong = {**NETWORK, "plugins": [{"type": "missing"}]}
    odd = {**NETWORK, "plugins": [{"type": "bridge", "capabilities": {"unheardOf": True}}]}
    with pytest.raises(ResourceError, match=r"refused: .*10-pods.conflist: \$.plugins\[0\].type: missing") as caught:
        await run(tmp_path, definition=wrong)
    assert caught.value.values["problems"][0]["severity"] == "error"  # type: ignore[index]
    with pytest.raises(ResourceError, match="unheardOf"):
        await run(tmp_path, definition=odd, fail_on="warning")
    assert not (tmp_path / "net.d").exists()
    for definition, fail_on in ((odd, "error"), (wrong, "none")):
        result = await cni_config.run(options(tmp_path, definition=definition, fail_on=fail_on), check=False)
        assert len(result.warnings) == 1


async def test_what_is_attached_keeps_its_network(tmp_path: Path, plugins: FakePlugins) -> None:
    await run(tmp_path, definition=NETWORK)
    cni = Cni([plugins.path], cache_directory=tmp_path / "cache")
    net = load(tmp_path / "net.d").network("pods")
    await cni.add(net, Attachment("gone", "eth0", str(tmp_path / "no-namespace")))
    assert (await run(tmp_path, name="pods", state="absent", check=True))["attachments"] == []
    (tmp_path / "namespace").touch()
    await cni.add(net, Attachment("c1", "eth0", str(tmp_path / "namespace")))
    with pytest.raises(ResourceError, match="network pods is in use"):
        await run(tmp_path, name="pods", state="absent", check=True)
    with pytest.raises(ResourceError, match=r"network pods is in use, by c1 eth0 .*set force") as caught:
        await run(tmp_path, name="pods", state="absent")
    assert caught.value.values["attachments"][0]["container_id"] == "c1"  # type: ignore[index]
    result = await cni_config.run(options(tmp_path, name="pods", state="absent", force=True), check=False)
    assert len(result.warnings) == 1
    assert files(tmp_path) == []
    assert await cni.delete("pods", Attachment("c1", "eth0"))


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({}, "definition: a network is needed"),
        ({"state": "absent"}, "name: say which network goes"),
        ({"definition": NETWORK, "name": "x"}, "name: 'x' is not the name in the definition, 'pods'"),
        ({"definition": NETWORK, "filename": "a/b.conflist"}, "filename: 'a/b.conflist' must be a file's name"),
        ({"definition": NETWORK, "filename": "b.conf"}, r"filename: 'b.conf' must end in .conflist"),
        ({"definition": NETWORK, "filename": "b.conflist", "order": 1}, "so order cannot be given too"),
        ({"definition": NETWORK, "order": -1}, "order: -1 must be from 0 to 99"),
        ({"definition": NETWORK, "mode": "0622"}, "mode: '0622' cannot be"),
        ({"definition": NETWORK, "backup": True, "backup_path": "x"}, "backup_path: 'x' must be an absolute path"),
        ({"definition": NETWORK, "conf_dir": "net.d"}, "conf_dir: 'net.d' must be an absolute path"),
        ({"definition": NETWORK, "plugin_timeout": 0}, "plugin_timeout: 0 must be at least 1 second"),
    ],
)
async def test_options_that_cannot_be(tmp_path: Path, params: dict[str, Any], said: str) -> None:
    with pytest.raises(OptionError, match=said):
        await run(tmp_path, **params)


@pytest.mark.parametrize(
    ("definition", "said"),
    [
        ({"cniVersion": "1.0.0", "plugins": [{"type": "bridge"}]}, r"\$.name: the network has no name"),
        ({**NETWORK, "plugins": []}, r"\$.plugins: the network has no plugins"),
        ({**NETWORK, "plugins": [{"mtu": 1}]}, r"\$.plugins\[0\].type: the plugin has no type"),
        ({**NETWORK, "cniVersion": "2.0.0"}, "newer than 1.1.0"),
    ],
)
async def test_a_network_that_is_none(tmp_path: Path, definition: dict[str, Any], said: str) -> None:
    with pytest.raises(NetworkError, match=said):
        await run(tmp_path, definition=definition)


@pytest.mark.skipif(os.geteuid() != 0, reason="others cannot write there anyway")
async def test_a_directory_that_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(FileChangeError, match="To make the directory /proc/none failed"):
        await run(tmp_path, definition=NETWORK, conf_dir="/proc/none")
