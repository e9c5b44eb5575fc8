"""Which pods a node takes in: reasons, sentences, and the order that decides between pods."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model.facts import NodeFacts
from kubenode.model.names import PodKey
from kubenode.model.pod import Pod
from kubenode.model.settings import KubeletConfiguration, KubenodeConfiguration, Settings
from kubenode.model.static_pod import DesiredPod, Refusal
from kubenode.plan.admission import refusals
from kubenode.plan.resources import allocatable, pod_requests
from support.plans import ORIGIN

GIB = 2**30
NODE = NodeFacts(
    cpus=4000,
    memory=8 * GIB,
    ephemeral_storage=100 * GIB,
    huge_pages={"hugepages-2Mi": GIB},
    architecture="amd64",
    apparmor=False,
)
NO_EVICTION = {"memory.available": "0", "nodefs.available": "0%"}
CRITICAL = {"priorityClassName": "system-node-critical"}


def _settings(labels: dict[str, str] | None = None, **kubelet: Any) -> Settings:
    configuration = msgspec.convert({"evictionHard": NO_EVICTION, **kubelet}, KubeletConfiguration)
    kubenode = KubenodeConfiguration(node_labels=labels or {})
    return Settings(kubelet=configuration, kubenode=kubenode, node_name="node", memory_capacity=8 * GIB)


def _pod(name: str, age: float = 0.0, spec: Mapping[str, Any] | None = None, **requests: Any) -> DesiredPod:
    """`age` in seconds: the older came first."""
    container = {"name": "app", "image": "i", "resources": {"requests": requests}}
    full = {"containers": [container], **(spec or {})}
    metadata = {"name": name, "uid": f"u-{name}"}
    pod = msgspec.convert({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": full}, Pod)
    return DesiredPod(pod, ORIGIN, 1000.0 - age)


def _refused(*pods: DesiredPod, settings: Settings | None = None, node: NodeFacts = NODE) -> dict[str, Refusal]:
    found = refusals({pod.key: pod for pod in pods}, settings or _settings(), node)
    return {key.name: refusal for key, refusal in found.items()}


def _ports(*ports: Mapping[str, Any], **spec: Any) -> dict[str, Any]:
    return {"containers": [{"name": "app", "image": "i", "ports": list(ports)}], **spec}


def _affinity(*terms: Mapping[str, Any]) -> dict[str, Any]:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": list(terms)}}
    return {"affinity": {"nodeAffinity": required}}


def _expression(key: str, operator: str, *values: str) -> dict[str, Any]:
    return {"matchExpressions": [{"key": key, "operator": operator, "values": list(values)}]}


def test_who_fits_is_taken() -> None:
    assert _refused(_pod("a", cpu="2", memory="4Gi"), _pod("b", cpu="2", memory="3Gi")) == {}


SHORT = [
    ({"cpu": "2001m"}, "OutOfcpu", "The pod asks for 2001m of cpu; of 4 that pods may have, 2 are taken"),
    ({"memory": "5Gi"}, "OutOfmemory", "The pod asks for 5Gi of memory; of 7Gi that pods may have, 4Gi are taken"),
    ({"ephemeral-storage": "101Gi"}, "OutOfephemeral-storage", "of 100Gi that pods may have, 0 are taken, and 100Gi"),
    ({"hugepages-2Mi": "2Gi"}, "OutOfhugepages-2Mi", "of 1Gi that pods may have, 0 are taken, and 1Gi are left."),
    ({"hugepages-1Gi": "1Gi"}, "OutOfhugepages-1Gi", "of 0 that pods may have"),
]


@pytest.mark.parametrize(("requests", "reason", "sentence"), SHORT)
def test_who_asks_for_more_than_is_left_is_refused(requests: dict[str, Any], reason: str, sentence: str) -> None:
    refusal = _refused(_pod("old", 9, cpu="2", memory="4Gi"), _pod("new", **requests))["new"]
    assert refusal.reason == reason
    assert sentence in refusal.message


def test_the_sentence_names_who_has_it() -> None:
    refusal = _refused(_pod("a", 9, cpu="1"), _pod("b", 8, cpu="1500m"), _pod("c", cpu="2"))["c"]
    assert refusal.message == (
        "The pod asks for 2 of cpu; of 4 that pods may have, 2500m are taken (default/b: 1500m, default/a: 1), "
        "and 1500m are left."
    )


def test_what_the_node_does_not_know_of_itself_is_not_judged() -> None:
    assert _refused(_pod("a", cpu="400", memory="1Ti"), node=NodeFacts()) == {}
    assert _refused(_pod("a", 0, None, **{"example.com/gpu": "1"})) == {}


RESERVED = [
    ({"kubeReserved": {"cpu": "1"}, "systemReserved": {"cpu": "500m"}}, {"cpu": "2501m"}, "OutOfcpu"),
    ({"systemReserved": {"memory": "2Gi"}}, {"memory": "5121Mi"}, "OutOfmemory"),
    ({"evictionHard": {"memory.available": "1Gi"}}, {"memory": "6145Mi"}, "OutOfmemory"),
    ({"evictionHard": {"memory.available": "50%"}}, {"memory": "3073Mi"}, "OutOfmemory"),
    ({"systemReserved": {"cpu": "400"}}, {"cpu": "1m"}, "OutOfcpu"),
]


@pytest.mark.parametrize(("configured", "requests", "reason"), RESERVED)
def test_pods_may_not_ask_for_what_is_reserved(
    configured: dict[str, Any], requests: dict[str, Any], reason: str
) -> None:
    assert _refused(_pod("a", **requests), settings=_settings(**configured))["a"].reason == reason


@pytest.mark.parametrize(("configured", "taken"), [({"maxPods": 2}, 2), ({"podsPerCore": 1}, 4), ({"maxPods": 0}, 0)])
def test_the_number_of_pods(configured: dict[str, Any], taken: int) -> None:
    pods = [_pod(f"p{age}", age) for age in range(6)]
    refused = _refused(*pods, settings=_settings(**configured))
    assert set(refused) == {f"p{age}" for age in range(6 - taken)}
    assert {refusal.reason for refusal in refused.values()} == {"OutOfpods"}


TCP80 = {"containerPort": 80, "hostPort": 80}
PORTS = [
    (_ports(TCP80), _ports(TCP80), True),
    (_ports(TCP80), _ports({**TCP80, "protocol": "UDP"}), False),
    (_ports(TCP80), _ports({**TCP80, "hostPort": 81}), False),
    (_ports(TCP80), _ports({**TCP80, "hostIP": "10.0.0.1"}), True),
    (_ports({**TCP80, "hostIP": "10.0.0.2"}), _ports({**TCP80, "hostIP": "0.0.0.0"}), True),
    (_ports({**TCP80, "hostIP": "10.0.0.2"}), _ports({**TCP80, "hostIP": "10.0.0.1"}), False),
    (_ports({**TCP80, "hostIP": "10.0.0.2"}), _ports({**TCP80, "hostIP": "10.0.0.2"}), True),
    (_ports({"containerPort": 80}), _ports({"containerPort": 80}), False),
    (_ports({"containerPort": 80}, hostNetwork=True), _ports(TCP80), True),
    (_ports({"containerPort": 80}, hostNetwork=True), _ports({"containerPort": 80}), False),
]


@pytest.mark.parametrize(("old", "new", "conflict"), PORTS)
def test_host_ports(old: dict[str, Any], new: dict[str, Any], conflict: bool) -> None:
    refused = _refused(_pod("old", 9, old), _pod("new", 0, new))
    assert [(name, refusal.reason) for name, refusal in refused.items()] == [("new", "NodePorts")] * conflict


def test_a_sidecars_ports_count_and_an_init_containers_do_not() -> None:
    for policy, taken in (("Always", ["new"]), ("", [])):
        init = [{"name": "first", "image": "i", "ports": [TCP80], "restartPolicy": policy}]
        refused = _refused(_pod("old", 9, {"initContainers": init}), _pod("new", 0, _ports(TCP80)))
        assert list(refused) == taken


def test_the_sentence_names_the_port_and_its_holder() -> None:
    refused = _refused(_pod("old", 9, _ports(TCP80)), _pod("new", 0, _ports({**TCP80, "hostIP": "10.0.0.1"})))
    assert refused["new"].message == "The pod asks for TCP port 80 of the host on 10.0.0.1, which pod default/old has."


LABELS = {"zone": "a", "disks": "4"}
FITS = [
    ({"nodeSelector": {"zone": "a", "kubernetes.io/os": "linux"}}, ""),
    ({"nodeSelector": {"kubernetes.io/hostname": "node", "kubernetes.io/arch": "amd64"}}, ""),
    ({"nodeSelector": {"zone": "b"}}, "its nodeSelector wants zone=b; the node has zone=a"),
    ({"nodeSelector": {"gpu": "yes"}}, "its nodeSelector wants gpu=yes; the node has no label gpu"),
    (_affinity(_expression("zone", "In", "a", "b")), ""),
    (_affinity(_expression("zone", "In", "b")), "it wants zone In b, and the node has zone=a"),
    (_affinity(_expression("zone", "In", "b"), _expression("disks", "Gt", "3")), ""),
    (_affinity(_expression("disks", "Gt", "4")), "it wants disks Gt 4, and the node has disks=4"),
    (_affinity(_expression("disks", "Lt", "5")), ""),
    (_affinity(_expression("zone", "Gt", "1")), "it wants zone Gt 1"),
    (_affinity(_expression("zone", "NotIn", "a")), "it wants zone NotIn a"),
    (_affinity(_expression("gpu", "NotIn", "a")), ""),
    (_affinity(_expression("gpu", "Exists")), "it wants gpu Exists, and the node has no label gpu"),
    (_affinity(_expression("gpu", "DoesNotExist")), ""),
    (_affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["node"]}]}), ""),
    (_affinity({"matchFields": [{"key": "metadata.name", "operator": "In", "values": ["other"]}]}), "metadata.name"),
    (_affinity({}), "an empty term matches no node"),
    (_affinity(), "it has no terms"),
    ({"affinity": {"nodeAffinity": 5}}, "its affinity cannot be understood: Expected `object | null`, got `int`"),
    ({"affinity": {"podAntiAffinity": {"any": "thing"}}}, ""),
    ({"affinity": None}, ""),
]


@pytest.mark.parametrize(("spec", "why"), FITS)
def test_node_affinity(spec: dict[str, Any], why: str) -> None:
    refused = _refused(_pod("a", 0, spec), settings=_settings(LABELS))
    if not why:
        assert refused == {}
        return
    assert refused["a"].reason == "NodeAffinity"
    assert why in refused["a"].message


APPARMOR = {"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}
UNFIT = [
    ({"os": {"name": "windows"}}, "PodOSNotSupported", "The pod is for windows; this node runs linux."),
    (
        {"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}},
        "SysctlForbidden",
        "kernel.msgmax is not a safe one",
    ),
    (APPARMOR, "AppArmor", "the kernel of this node does not enforce any"),
]


@pytest.mark.parametrize(("spec", "reason", "sentence"), UNFIT)
def test_what_the_node_cannot_do(spec: dict[str, Any], reason: str, sentence: str) -> None:
    refusal = _refused(_pod("a", 0, spec))["a"]
    assert refusal.reason == reason
    assert sentence in refusal.message


def test_a_kernel_that_is_not_known_gets_the_benefit_of_the_doubt() -> None:
    assert _refused(_pod("a", 0, APPARMOR), node=NodeFacts()) == {}


def test_a_refused_pod_holds_nothing() -> None:
    large = _pod("large", 9, {"nodeSelector": {"no": "such"}, **_ports(TCP80)}, cpu="4")
    assert list(_refused(large, _pod("small", 0, _ports(TCP80), cpu="1"))) == ["large"]


def test_a_critical_pod_goes_before_an_older_one() -> None:
    critical = _pod("critical", 0, CRITICAL, cpu="3")
    cluster = _pod("cluster", 5, {"priorityClassName": "system-cluster-critical"}, cpu="3")
    assert list(_refused(_pod("old", 9, cpu="3"), critical)) == ["old"]
    assert list(_refused(cluster, critical)) == ["cluster"]


def test_priority_below_critical_does_not_count() -> None:
    assert list(_refused(_pod("old", 9, cpu="3"), _pod("new", 0, {"priority": 1_000_000_000}, cpu="3"))) == ["new"]


AMOUNTS = {"cpu": st.sampled_from(["0", "500m", "1", "3"]), "memory": st.sampled_from(["0", "100Mi", "2Gi", "7Gi"])}


@st.composite
def _pods(draw: st.DrawFn) -> list[DesiredPod]:
    """Up to eight, each with its own age, some critical, some with a port of the host."""
    ages = draw(st.lists(st.integers(1, 900), max_size=8, unique=True))
    ports = st.sampled_from([{}, TCP80, {"containerPort": 81, "hostPort": 81}])
    pods = []
    for index, age in enumerate(ages):
        port = draw(ports)
        container = {"name": "app", "image": "i", "ports": [port] if port else []}
        resources = {"requests": {name: draw(values) for name, values in AMOUNTS.items()}}
        spec = {"containers": [{**container, "resources": resources}], **draw(st.sampled_from([{}, {}, CRITICAL]))}
        pods.append(_pod(f"p{index}", age, spec))
    return pods


@given(_pods())
def test_never_more_is_taken_in_than_there_is(pods: list[DesiredPod]) -> None:
    refused = _refused(*pods)
    taken = [pod_requests(pod.pod) for pod in pods if pod.key.name not in refused]
    for name, total in allocatable(_settings(), NODE).items():
        assert sum(requests.get(name, 0) for requests in taken) <= total


@given(_pods(), st.randoms())
def test_the_order_in_which_pods_are_listed_does_not_matter(pods: list[DesiredPod], random: Any) -> None:
    shuffled = random.sample(pods, len(pods))
    assert _refused(*pods) == _refused(*shuffled)


@given(_pods(), st.sampled_from(["0", "1", "4"]))
def test_a_younger_pod_changes_nothing_for_the_others(pods: list[DesiredPod], cpu: str) -> None:
    younger = _pod("younger", 0, _ports(TCP80), cpu=cpu)
    after = _refused(*pods, younger)
    after.pop("younger", None)
    assert after == _refused(*pods)


def test_a_thousand_pods_are_judged() -> None:
    pods = [_pod(f"p{age}", age, _ports({"containerPort": 80, "hostPort": 1 + age}), cpu="1m") for age in range(1000)]
    assert len(_refused(*pods, settings=_settings(maxPods=1000))) == 0
    assert PodKey("default", "p0") == pods[0].key
