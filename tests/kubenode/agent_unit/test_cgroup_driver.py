"""Which cgroup driver a node uses: the runtime's, where it tells."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.agent.once import open_node
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from support.fake_cri import FakeCri


def settings(fake: FakeCri, folder: Path, driver: str) -> Settings:
    kubelet = KubeletConfiguration(container_runtime_endpoint=fake.endpoint, cgroup_driver=driver)
    return Settings(kubelet=kubelet, kubenode=KubenodeConfiguration(root_directory=str(folder)), node_name="node")


@pytest.mark.parametrize("configured", ["cgroupfs", "systemd"])
async def test_the_runtimes_driver_is_used(fake_cri: FakeCri, tmp_path: Path, configured: str) -> None:
    fake_cri.cgroup_driver = pb.SYSTEMD
    async with open_node(settings(fake_cri, tmp_path, configured), acting=True) as node:
        assert node.settings.kubelet.cgroup_driver == "systemd"
        assert any("the runtime uses systemd" in one for one in node.settings.warnings) == (configured != "systemd")


async def test_what_is_configured_is_used_where_the_runtime_does_not_tell(fake_cri: FakeCri, tmp_path: Path) -> None:
    fake_cri.unimplemented.add("RuntimeConfig")
    async with open_node(settings(fake_cri, tmp_path, "systemd"), acting=True) as node:
        assert node.settings.kubelet.cgroup_driver == "systemd"
        assert not node.settings.warnings
