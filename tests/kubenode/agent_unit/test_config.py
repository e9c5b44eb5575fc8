"""The configuration file: what it gives, and that each error names file, field and what to write."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from kubenode.agent.config import ConfigurationError, load
from kubenode.model.settings import UNSUPPORTED_FIELDS, KubeletConfiguration, Settings

KUBELET = "apiVersion: kubelet.config.k8s.io/v1beta1\nkind: KubeletConfiguration\n"
KUBENODE = "apiVersion: kubenode.io/v1alpha1\nkind: KubenodeConfiguration\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


def _load(path: Path, text: str) -> Settings:
    path.write_text(text)
    return load(path)


def test_defaults_are_the_kubelets(path: Path) -> None:
    settings = _load(path, KUBELET)
    assert settings.node_name == socket.gethostname().lower()
    assert settings.memory_capacity == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert (settings.file_check_seconds, settings.http_check_seconds, settings.sync_seconds) == (20, 20, 60)
    assert (settings.request_timeout_seconds, settings.max_backoff_seconds) == (120, 300)
    assert (settings.kubelet.pod_logs_dir, settings.kubelet.healthz_port) == ("/var/log/pods", 10248)
    assert (settings.parallel_pulls, settings.warnings) == (5, ())


def test_two_documents_in_any_order(path: Path) -> None:
    first = f"{KUBELET}staticPodPath: /m\n"
    second = f"{KUBENODE}nodeName: Node-A\nrunDirectory: /run/x\n"
    for text in (f"{first}---\n{second}", f"---\n{second}---\n{first}---\n"):
        settings = _load(path, text)
        assert (settings.kubelet.static_pod_path, settings.node_name) == ("/m", "node-a")
        assert settings.admin_socket == Path("/run/x/agent.sock")


def test_fields_that_have_no_effect_are_told(path: Path) -> None:
    settings = _load(path, f"{KUBELET}port: 5\nproviderID: x\nauthentication: {{anonymous: {{}}}}\n")
    assert settings.warnings == tuple(
        f"{path}: {name} has no effect in this version" for name in ("authentication", "port", "providerID")
    )


def test_what_is_enforced_elsewhere_is_told(path: Path) -> None:
    settings = _load(path, f"{KUBELET}enforceNodeAllocatable: [pods, kube-reserved]\n")
    (warning,) = settings.warnings
    assert warning.startswith(f"{path}: enforceNodeAllocatable: kube-reserved has no effect in this version")


def test_what_the_node_gives_its_pods(path: Path) -> None:
    text = f"{KUBELET}maxPods: 5\nkubeReserved: {{cpu: 500m}}\ncpuCFSQuotaPeriod: 10ms\n---\n{KUBENODE}"
    settings = _load(path, f"{text}nodeLabels: {{example.com/disk: ssd}}\n")
    assert (settings.kubelet.max_pods, settings.kubelet.kube_reserved) == (5, {"cpu": "500m"})
    assert settings.kubenode.node_labels == {"example.com/disk": "ssd"}
    assert settings.cpu_quota_period == 10_000
    assert _load(path, f"{KUBELET}cpuCFSQuota: false\n").cpu_quota_period == 0


def test_no_field_is_both_honoured_and_without_effect() -> None:
    assert not UNSUPPORTED_FIELDS & set(KubeletConfiguration.__struct_encode_fields__)


@pytest.mark.parametrize(("text", "slots"), [("serializeImagePulls: true", 1), ("maxParallelImagePulls: 9", 9)])
def test_pulls_side_by_side(path: Path, text: str, slots: int) -> None:
    assert _load(path, KUBELET + text).parallel_pulls == slots


def test_thresholds_add_to_the_kubelets(path: Path) -> None:
    found = _load(path, f"{KUBELET}evictionHard: {{memory.available: 1Gi, nodefs.available: 7.5%}}").eviction_hard
    assert (found["memory.available"], found["nodefs.available"], found["imagefs.available"]) == ("1Gi", "7.5%", "15%")


# What stands in the file after the head, and what the sentence says besides the file's name.
BAD = [
    (f"{KUBELET}maxPods: -1", "maxPods: -1 is out of range: write 0 to 100000"),
    (f"{KUBELET}podPidsLimit: -2", "podPidsLimit: -2 is out of range: write -1 to 4194304"),
    (f"{KUBELET}kubeReserved: {{gpu: 1}}", "kubeReserved.gpu: there is no such resource to keep: write one of cpu, "),
    (f"{KUBELET}systemReserved: {{cpu: much}}", "systemReserved.cpu: 'much' is not a quantity"),
    (f"{KUBELET}systemReserved: {{memory: -1Gi}}", "systemReserved.memory: '-1Gi' is negative: write how much is kept"),
    (f"{KUBELET}enforceNodeAllocatable: [all]", "enforceNodeAllocatable: there is no 'all': write one of pods, "),
    (f"{KUBELET}enforceNodeAllocatable: [none, pods]", "enforceNodeAllocatable: none excludes all others"),
    (
        f"{KUBELET}cgroupsPerQOS: false",
        "cgroupsPerQOS: false leaves no cgroup that could be limited: write enforceNodeAllocatable: [] too",
    ),
    (f"{KUBELET}cpuCFSQuotaPeriod: 2s", "cpuCFSQuotaPeriod: '2s' is out of range: write 1ms to 1s"),
    (f"{KUBENODE}nodeLabels: {{a b: c}}", "nodeLabels['a b']: this cannot name a label: write it as role or"),
    (f"{KUBENODE}nodeLabels: {{a: b c}}", "nodeLabels.a: 'b c' cannot be a label's value"),
    (f"{KUBELET}a: [", " line 4: not YAML: "),
    (f"{KUBELET}a: !!bool x", "not YAML: "),
    ("", "holds no KubeletConfiguration: write one, kind and apiVersion first"),
    ("just text", "holds no KubeletConfiguration: write one, kind and apiVersion first"),
    ("- a", "holds no KubeletConfiguration: write one, kind and apiVersion first"),
    ("kind: Pod", "kind 'Pod', version None: write a KubeletConfiguration of kubelet.config.k8s.io/v1beta1"),
    (KUBELET.replace("v1beta1", "v1"), "version 'kubelet.config.k8s.io/v1': write a KubeletConfiguration of"),
    (f"{KUBELET}staticPodpath: /m", "there is no field staticPodpath (did you mean staticPodPath?)"),
    (f"{KUBENODE}nodename: x", "there is no field nodename (did you mean nodeName?)"),
    (f"{KUBELET}healthzPort: no", "$.healthzPort"),
    (f"{KUBELET}healthzPort: 65536", "healthzPort: 65536 is out of range: write 0 to 65535"),
    (f"{KUBELET}maxParallelImagePulls: 0", "maxParallelImagePulls: 0 is out of range: write 1 to 10000"),
    (f"{KUBENODE}maxParallelPodStarts: 0", "maxParallelPodStarts: 0 is out of range: write 1 to 10000"),
    (f"{KUBELET}oomScoreAdj: -1001", "oomScoreAdj: -1001 is out of range: write -1000 to 1000"),
    (f"{KUBELET}fileCheckFrequency: 20", "$.fileCheckFrequency"),
    (f"{KUBELET}fileCheckFrequency: soon", "fileCheckFrequency: 'soon' is not a duration: write it as 20s"),
    (f"{KUBELET}httpCheckFrequency: 0s", "httpCheckFrequency: '0s' is not longer than nothing: write it as 20s"),
    (f"{KUBELET}syncFrequency: -1s", "syncFrequency: '-1s' is not a duration: write it as 20s"),
    (f"{KUBELET}runtimeRequestTimeout: '0'", "runtimeRequestTimeout: '0' is not longer than nothing: write it as"),
    (
        f"{KUBELET}crashLoopBackOff: {{maxContainerRestartPeriod: x}}",
        "crashLoopBackOff.maxContainerRestartPeriod: 'x' is not a duration: write it as 20s",
    ),
    (f"{KUBELET}cgroupDriver: other", "cgroupDriver: there is no driver 'other': write cgroupfs or systemd"),
    (f"{KUBELET}clusterDNS: [dns.test]", "clusterDNS: 'dns.test' is not an IP address"),
    (f"{KUBELET}clusterDomain: a_b", "clusterDomain: 'a_b' is not a domain: write it as cluster.local"),
    (f"{KUBELET}resolvConf: m", "resolvConf: 'm' is not absolute: write the path from / on"),
    (f"{KUBELET}allowedUnsafeSysctls: ['vm.*']", "allowedUnsafeSysctls: 'vm.*' is not a pod's own"),
    (f"{KUBELET}staticPodPath: m", "staticPodPath: 'm' is not absolute: write the path from / on"),
    (f"{KUBELET}podLogsDir: ./m", "podLogsDir: './m' is not absolute: write the path from / on"),
    (f"{KUBENODE}rootDirectory: m", "rootDirectory: 'm' is not absolute: write the path from / on"),
    (f"{KUBENODE}runDirectory: m", "runDirectory: 'm' is not absolute: write the path from / on"),
    (f"{KUBENODE}containerLogsDirectory: m", "containerLogsDirectory: 'm' is not absolute: write the path from / on"),
    (f"{KUBENODE}nodeName: a_b", "'a_b' cannot name a node: set nodeName in the KubenodeConfiguration"),
    (
        f"{KUBELET}evictionHard: {{memory: 1Gi}}",
        "there is no signal memory: write one of memory.available",
    ),
    *(
        (
            f"{KUBELET}evictionHard: {{memory.available: '{text}'}}",
            f"evictionHard.memory.available: {text!r} is no threshold: write a quantity such as 100Mi, or 10%",
        )
        for text in ("", "much", "-1Mi", "-1%", "x%", "1Ki%", "nan%")
    ),
]


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_errors_name_file_field_and_remedy(path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        _load(path, text)
    assert str(raised.value).startswith(str(path))
    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_says_which_option_names_it(path: Path) -> None:
    with pytest.raises(ConfigurationError) as raised:
        load(path)
    sentence = f"{path} cannot be read: No such file or directory. Name the agent's configuration file with --config."
    assert str(raised.value) == sentence


@pytest.mark.parametrize("data", [b"\0", b"kind: \xc3\x28", bytes(range(256))])
def test_binary_is_a_sentence(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(ConfigurationError, match=r"^[^\n]*: not YAML: [^\n]*$"):
        load(path)
