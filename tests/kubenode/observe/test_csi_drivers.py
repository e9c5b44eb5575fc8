"""Drivers as they registered with a kubelet, or as they are found where they have their sockets."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from kubenode.clients.errors import Unavailable
from kubenode.clients.stubs import pluginregistration_pb2 as pb
from kubenode.observe.csi_drivers import find_driver, registered
from support.fake_server import FakeServer


class Registration(FakeServer):
    def __init__(self, path: Path, **info: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        super().__init__(path, pb.DESCRIPTOR)
        self.info = info

    async def get_info(self, _request: Any) -> Any:
        return pb.PluginInfo(**{"type": "CSIPlugin", "supported_versions": ["1.0.0"], **self.info})


async def test_a_driver_is_where_it_registered(tmp_path: Path) -> None:
    folder = tmp_path / "plugins_registry"
    one = Registration(folder / "one-reg.sock", name="one.test", endpoint="/somewhere/csi.sock")
    device = Registration(folder / "device.sock", name="device.test", endpoint="/d.sock", type="DevicePlugin")
    direct = FakeServer(tmp_path / "plugins" / "two.test" / "csi.sock", pb.DESCRIPTOR)
    direct.path.parent.mkdir(parents=True)
    async with one, device, direct:
        assert await find_driver(tmp_path, "one.test") == "unix:///somewhere/csi.sock"
        assert await find_driver(tmp_path, "two.test") == f"unix://{direct.path}"
        with pytest.raises(Unavailable, match=r"the drivers there are: one.test, two.test"):
            await find_driver(tmp_path, "device.test")
        found = await registered(tmp_path)
    assert [(each.name, each.supported_versions) for each in found] == [("one.test", ("1.0.0",)), ("two.test", ())]


async def test_a_registration_that_nobody_serves_is_told(tmp_path: Path) -> None:
    (tmp_path / "plugins_registry").mkdir()
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(tmp_path / "plugins_registry" / "dead.test-reg.sock"))
    (found,) = await registered(tmp_path)
    assert (found.name, found.endpoint) == ("dead.test", "")
    assert "nobody listens" in found.error


async def test_where_there_is_no_kubelet_there_is_no_driver(tmp_path: Path) -> None:
    assert await registered(tmp_path / "none") == []
    with pytest.raises(Unavailable, match="the drivers there are: none"):
        await find_driver(tmp_path / "none", "one.test")
