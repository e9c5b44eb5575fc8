"""What the plan asks for is what a real runtime gives."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kubenode.apply.requests import container_config, sandbox_config
from kubenode.clients.cri import CriClient
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.model.specs import ContainerSpec
from kubenode.model.static_pod import DesiredPod
from kubenode.plan.hosts import hosts_file, hosts_text
from kubenode.plan.specs import container_spec, sandbox_spec
from support.images import BUSYBOX
from support.plans import NODE, desired_pod
from support.pods import Pods

pytestmark = pytest.mark.real
SCRIPT = "cat /etc/resolv.conf; hostname; cat /proc/sys/net/ipv4/ip_unprivileged_port_start; id -G; cat /etc/hosts"


def make_files(desired: DesiredPod, container: ContainerSpec, settings: Settings, log: Path) -> None:
    hosts = hosts_file(desired, settings)
    assert hosts is not None
    for path in (Path(hosts.path), Path(container.termination_log), log):
        path.parent.mkdir(parents=True, exist_ok=True)
    Path(hosts.path).write_text(hosts_text(hosts, ("10.0.0.9",)))
    Path(container.termination_log).touch()


def lines(log: Path) -> list[str]:
    """What the container said, without times and streams."""
    return [line.split(" ", 3)[3] for line in log.read_text().splitlines()]


@pytest.mark.parametrize("name", ["containerd16", "containerd2"])
async def test_names_sysctls_and_groups(name: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    runtime = request.getfixturevalue(name)
    kubelet = KubeletConfiguration(pod_logs_dir=str(tmp_path / "logs"), cgroup_root=runtime.cgroup_root)
    settings = Settings(kubelet=kubelet, kubenode=KubenodeConfiguration(root_directory=str(tmp_path)), node_name="node")
    options = [{"name": "ndots", "value": "3"}]
    spec = {
        "containers": [{"name": "app", "image": BUSYBOX, "command": ["sh", "-c", SCRIPT]}],
        "dnsPolicy": "None",
        "dnsConfig": {"nameservers": ["192.0.2.53"], "searches": ["a.test"], "options": options},
        "securityContext": {
            "sysctls": [{"name": "net.ipv4.ip_unprivileged_port_start", "value": "80"}],
            "supplementalGroups": [7],
            "fsGroup": 9,
        },
        "hostname": "mine",
    }
    desired = desired_pod(spec, uid=f"{os.getpid()}-{name}")
    container = container_spec(desired.pod.spec.containers[0], 0, None, desired, settings, NODE, ("10.0.0.9",))
    sandbox = sandbox_config(sandbox_spec(desired, 0, settings, NODE, 0.0))
    log = Path(sandbox.log_directory, container.log_path)
    make_files(desired, container, settings, log)
    async with CriClient(runtime.endpoint) as cri, Pods(cri, tmp_path, runtime.cgroup_root) as pods:
        sandbox_id = await pods.run(sandbox)
        made = await cri.create_container(
            pb.CreateContainerRequest(
                pod_sandbox_id=sandbox_id, config=container_config(container), sandbox_config=sandbox
            )
        )
        await cri.start_container(pb.StartContainerRequest(container_id=made.container_id))
        assert (await pods.exited(made.container_id)).exit_code == 0
    said = lines(log)
    assert said[:3] == ["search a.test", "nameserver 192.0.2.53", "options ndots:3"]
    assert said[3:5] == ["mine", "80"]
    assert {"7", "9"} <= set(said[5].split())
    assert said[-1] == "10.0.0.9\tmine"
