"""Manifests as they stand on real nodes, run: the control plane, node daemons, with images made for the test.

They run as they are, but for two things: hostPaths are below a folder of the test, and etcd is asked for `/health`, as
Debian's is too old for `/livez` and `/readyz`.
"""

from __future__ import annotations

import copy
import fcntl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import leave_out
from kubenode.clients.cgroupfs import hierarchies
from support import node_images
from support.agent import NODE, AgentProcess
from support.containerd import RealRuntime
from support.debian import CannotFetch
from support.real_node import ADDRESS, RealNode, real_node
from support.runtime_view import RuntimeView

MANIFESTS: dict[str, dict[str, Any]] = {
    manifest["metadata"]["name"]: manifest
    for path in sorted(Path(__file__).parents[1].glob("manifests/static/*.yaml"))
    for manifest in [yaml.safe_load(path.read_text())]
}
HOST_NETWORK = {name for name, manifest in MANIFESTS.items() if manifest["spec"].get("hostNetwork")}
CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
CRITICAL_PODS = (*CONTROL_PLANE, "kube-proxy")
CRITICAL = 2000001000
SHIPPER_CONFIG = "service:\n  flush: 1\n"
OBJECTS = [
    (
        "kube-system",
        "cni-config",
        {"cni-conf.json": '{"name": "pods"}', "net-conf.json": '{"Network": "10.244.0.0/16"}'},
    ),
    ("kube-system", "kube-proxy", {"config.conf": "kind: KubeProxyConfiguration\n"}),
    ("logging", "fluent-bit", {"fluent-bit.yaml": SHIPPER_CONFIG}),
    ("default", "kube-root-ca.crt", {"ca.crt": "an authority\n"}),
]


@pytest.fixture(scope="module")
def images(containerd16: RealRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    archive = tmp_path_factory.mktemp("images") / "node.tar"
    try:
        names = node_images.write_archive(archive)
    except CannotFetch as error:
        leave_out(f"the programs of the images cannot be had: {error}")
    containerd16.load(archive, *names)
    archive.unlink()
    yield
    containerd16.ctr("images", "rm", *names)


@pytest.fixture(scope="module")
def node(containerd16: RealRuntime, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealNode]:
    with real_node(tmp_path_factory.mktemp("host"), containerd16) as made:
        yield made


@pytest.fixture(scope="module")
def agent(
    containerd16: RealRuntime, images: None, node: RealNode, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[AgentProcess]:
    """With all manifests put, logging where the manifests look for logs."""
    folder = tmp_path_factory.mktemp("agent")
    made = AgentProcess(folder, containerd16.endpoint, containerd16.cgroup_root, containerd16.pid)
    made.configure(podLogsDir="/var/log/pods")
    made.configure_node(containerLogsDirectory="/var/log/containers")
    made.logs = node.path("/var/log/pods")
    made.put_objects(*(config_map(*one) for one in OBJECTS))
    try:
        made.start()
        made.put_pods(*(node.adapted(manifest(name)) for name in MANIFESTS))
        yield made
        made.clear()
    finally:
        made.kill()


def config_map(namespace: str, name: str, data: dict[str, str]) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": namespace, "name": name},
        "data": data,
    }


def manifest(name: str) -> dict[str, Any]:
    found = copy.deepcopy(MANIFESTS[name])
    if name == "etcd":
        (container,) = found["spec"]["containers"]
        for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
            container[probe]["httpGet"]["path"] = "/health"
    return found


def ready(agent: AgentProcess, name: str) -> dict[str, Any]:
    """What is told of the pod once all its containers are ready."""

    def all_ready(told: dict[str, Any]) -> bool:
        return bool(told.get("settled") and told["ready"] == len(told["containers"]))

    return agent.until_pod(name, all_ready)


def until_said(agent: AgentProcess, told: dict[str, Any], *lines: str) -> None:
    container = told["containers"][0]["name"]
    agent.until(lambda: set(lines) <= set(agent.said(told, container)), f"{lines} from {container}")


def cgroups(uid: str, controller: str = "") -> list[Path]:
    """Those of the pod, in the hierarchy of the controller or in all."""
    roots = [root for root in hierarchies() if not controller or controller in root.name.split(",")]
    return [path for root in roots for path in root.glob(f"kubenode*/kubepods/**/pod{uid}")]


@pytest.mark.parametrize("name", MANIFESTS)
def test_it_runs_and_all_is_well(agent: AgentProcess, name: str) -> None:
    """A probe may have asked before the program listened; no other warning is given."""
    told = ready(agent, name)
    assert (told["phase"], told["reason"], told["restarts"]) == ("Running", "", 0)
    code, text, errors = agent.run("describe", told["name"])
    assert (code, errors) == (0, "")
    assert {line.split()[1] for line in text.splitlines() if line.startswith("  Warning ")} <= {"Unhealthy"}
    priority = f"Priority:          {CRITICAL}\nPriority Class:    system-node-critical\n"
    assert (priority in text) == (name in CRITICAL_PODS)
    code, text, errors = agent.run("explain", told["name"])
    assert (code, errors) == (0, ""), text


@pytest.mark.parametrize("name", sorted(HOST_NETWORK))
def test_host_network_is_the_nodes_address(agent: AgentProcess, name: str) -> None:
    assert ready(agent, name)["ips"] == [ADDRESS]


@pytest.mark.parametrize(
    ("name", "shares", "memory"),
    [
        ("etcd", "102", None),
        ("kube-apiserver", "256", None),
        ("kube-controller-manager", "204", None),
        ("kube-scheduler", "102", None),
        ("cni", "102", None),
        ("node-exporter", "51", 128 * 2**20),
        ("fluent-bit", "2", 200 * 2**20),
    ],
)
def test_requests_and_limits_are_in_the_cgroups(
    agent: AgentProcess, name: str, shares: str, memory: int | None
) -> None:
    told = ready(agent, name)
    for below in ("", told["containers"][0]["containerId"]):
        (cpu,), (held,) = (cgroups(told["uid"], controller) for controller in ("cpu", "memory"))
        assert (cpu / below / "cpu.shares").read_text().strip() == shares
        limit = int((held / below / "memory.limit_in_bytes").read_text())
        assert limit == memory if memory else limit > 2**60


@pytest.mark.parametrize("name", CONTROL_PLANE)
def test_the_control_plane_is_ready_when_its_startup_probe_says_so(agent: AgentProcess, name: str) -> None:
    """That of etcd is HTTP; the others are HTTPS, with certificates that nobody else signed."""
    told = ready(agent, name)
    (container,) = told["containers"]
    assert container["started"]
    (since,) = [one["since"] for one in told["conditions"] if one["type"] == "Ready"]
    assert since - container["startedAt"] >= 10, "initialDelaySeconds"


def test_etcd_is_itself_and_keeps_its_data(agent: AgentProcess, node: RealNode) -> None:
    ready(agent, "etcd")
    lines = agent.http_get("http://127.0.0.1:2381/metrics").splitlines()
    assert "etcd_server_has_leader 1" in lines
    assert list(node.path("/var/lib/etcd/member/wal").glob("*.wal"))


def test_what_paths_are_to_be_is_made(agent: AgentProcess, node: RealNode) -> None:
    for name in CONTROL_PLANE:
        ready(agent, name)
    assert node.path("/usr/libexec/kubernetes/kubelet-plugins/volume/exec").is_dir()
    assert node.path("/run/xtables.lock").read_text() == ""


def test_kube_proxy_holds_the_nodes_lock_and_changes_sysctls(agent: AgentProcess, node: RealNode) -> None:
    told = ready(agent, "kube-proxy")
    until_said(
        agent,
        told,
        "kind: KubeProxyConfiguration",
        f"node: {NODE}",
        "sysctl: set",
        "xtables: locked",
        "modules: 6.1",
    )
    with node.path("/run/xtables.lock").open() as lock, pytest.raises(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert node.do("cat", "/proc/sys/net/ipv4/conf/all/route_localnet") == "1\n"


def test_cni_installs_itself_on_the_node(agent: AgentProcess, node: RealNode) -> None:
    told = ready(agent, "cni")
    assert [(one["state"], one["exitCode"]) for one in told["initContainers"]] == [("terminated", 0)] * 3
    assert node.path("/opt/cni/bin/bridge").read_text() == node_images.PLUGIN
    assert node.path("/opt/cni/bin/bridge").stat().st_mode & 0o111
    assert {path.name for path in node.path("/etc/cni/net.d").iterdir()} == {"00-other.conflist", "10-cni.conflist"}
    assert node.path("/etc/cni/net.d/10-cni.conflist").read_text() == '{"name": "pods"}'
    assert agent.mounts()[str(node.path("/sys/fs/bpf"))] == "bpf", "Bidirectional: it is mounted for the node too"
    until_said(agent, told, f"cni-{NODE}: network: may be changed")
    assert node.path("/run/cni/subnet.env").read_text() == "CNI_QUEUE=5000\n"


def test_the_log_shipper_ships_what_pods_log(agent: AgentProcess, node: RealNode) -> None:
    told = ready(agent, "fluent-bit")
    until_said(agent, told, f"shipping from {NODE} with 200 MiB")
    proxy = ready(agent, "kube-proxy")
    container_id = proxy["containers"][0]["containerId"]
    link = f"{proxy['name']}_kube-system_kube-proxy-{container_id}.log"
    shipped = node.path("/var/lib/fluent-bit/shipped")

    def shipping() -> bool:
        lines = shipped.read_text().splitlines()
        return any(line.startswith(f"{link} ") and line.endswith(" stdout F xtables: locked") for line in lines)

    agent.until(shipping, "kube-proxy's lines")


def exported(agent: AgentProcess) -> dict[str, float]:
    lines = agent.http_get(f"http://{ADDRESS}:9100/metrics").splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[:1] != "#")}


def test_node_exporter_sees_the_node_and_what_is_mounted_later(agent: AgentProcess, node: RealNode) -> None:
    ready(agent, "node-exporter")
    metrics = exported(agent)
    assert metrics["node_memory_MemTotal_bytes"] == meminfo("MemTotal")
    assert metrics["node_boot_time_seconds"] == boot_time()
    node.do("mkdir", "/var/lib/late")
    node.do("mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", "/var/lib/late")
    size = 'node_filesystem_size_bytes{device="tmpfs",fstype="tmpfs",mountpoint="/var/lib/late"}'
    agent.until(lambda: exported(agent).get(size) == 3 * 2**20, "HostToContainer: the mount to be seen")
    node.do("umount", "/var/lib/late")


def test_node_exporter_may_only_look(agent: AgentProcess, view: RuntimeView) -> None:
    container_id = ready(agent, "node-exporter")["containers"][0]["containerId"]
    script = "id -u; touch /host/root/x /x || echo refused; grep CapBnd /proc/self/status"
    user, *_, refused, capabilities = view.run(container_id, script)
    assert (user, refused) == ("65534", "refused")
    assert int(capabilities.split()[1], 16) == 1 << 25, "SYS_TIME alone"


def meminfo(name: str) -> int:
    (line,) = [line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024


def boot_time() -> int:
    (line,) = [line for line in Path("/proc/stat").read_text().splitlines() if line.startswith("btime ")]
    return int(line.split()[1])


def test_what_a_token_volume_has_without_the_token(agent: AgentProcess) -> None:
    """`cat` of a file without a last newline, and then of the next."""
    until_said(agent, ready(agent, "with-token"), "defaultan authority")


def test_a_restart_of_the_agent_disturbs_none_of_them(agent: AgentProcess) -> None:
    before = {name: ready(agent, name) for name in MANIFESTS}
    agent.kill()
    agent.start()
    assert {name: ready(agent, name) for name in MANIFESTS} == before


def test_nothing_is_left_but_what_belongs_to_the_node(agent: AgentProcess, node: RealNode, view: RuntimeView) -> None:
    told = {name: ready(agent, name) for name in MANIFESTS}
    uids = [one["uid"] for one in told.values()]
    assert all(cgroups(uid) for uid in uids)
    agent.clear()
    assert view.pods() == {}
    assert list((agent.root / "pods").iterdir()) == []
    assert list(node.path("/var/log/pods").iterdir()) == []
    assert list(node.path("/var/log/containers").iterdir()) == []
    assert [path for uid in uids for path in cgroups(uid)] == []
    below = [place for place in agent.mounts() if place.startswith((str(agent.root), str(node.host)))]
    assert below == [str(node.path("/sys/fs/bpf"))], "what a pod mounted for the node stays mounted"
    assert list(node.path("/var/lib/etcd/member/wal").glob("*.wal"))
    assert node.path("/var/lib/fluent-bit/shipped").stat().st_size
    assert node.path("/opt/cni/bin/bridge").read_text() == node_images.PLUGIN
    assert node.path("/etc/kubernetes/pki/ca.crt").read_text()
    assert node.path("/var/log/boot.log").read_text() == "booted\n"
