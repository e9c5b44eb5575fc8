"""How a KubeletConfiguration changes, and what that asks for."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.kubelet_rules import problems, problems_of_kubelet
from kubenode.model.kubelet_v1beta1 import FIELDS
from kubenode.model.settings import UNSUPPORTED_FIELDS
from kubenode.plan.kubelet_config import changes, consequences, merge, shown, without

BASE = {"maxPods": 1, "evictionHard": {"memory.available": "1Mi", "nodefs.available": "5%"}, "clusterDNS": ["a"]}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, BASE),
        ({"maxPods": None}, {key: BASE[key] for key in ("evictionHard", "clusterDNS")}),
        ({"clusterDNS": ["b"]}, {**BASE, "clusterDNS": ["b"]}),
        ({"evictionHard": {"memory.available": None}}, {**BASE, "evictionHard": {"nodefs.available": "5%"}}),
        ({"logging": {"format": "json", "verbosity": None}}, {**BASE, "logging": {"format": "json"}}),
    ],
)
def test_merging(more: dict[str, Any], expected: dict[str, Any]) -> None:
    assert merge(BASE, more) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("maxPods", {key: BASE[key] for key in ("evictionHard", "clusterDNS")}),
        ("evictionHard.memory.available", {**BASE, "evictionHard": {"nodefs.available": "5%"}}),
        ("evictionHard.memory", BASE),
        ("none.at.all", BASE),
    ],
)
def test_taking_away(path: str, expected: dict[str, Any]) -> None:
    assert without(BASE, [path]) == expected


def test_changes_are_told_field_by_field() -> None:
    after = {"maxPods": 2, "evictionHard": {"memory.available": "1Mi"}, "clusterDNS": ["b"], "logging": {"format": "x"}}
    found = changes(BASE, after)
    assert list(found) == ["maxPods", "evictionHard.nodefs.available", "clusterDNS", "logging.format"]
    before_shown, after_shown = shown(found)
    assert before_shown == {"maxPods": 1, "evictionHard.nodefs.available": "5%", "clusterDNS": ["a"]}
    assert after_shown == {"maxPods": 2, "clusterDNS": ["b"], "logging.format": "x"}
    assert changes(BASE, dict(BASE)) == {}


def test_secrets_are_not_shown() -> None:
    both = shown(changes({"staticPodURLHeader": {"A": ["one"]}}, {"staticPodURLHeader": {"A": ["two"]}}))
    assert both == ({"staticPodURLHeader.A": "(hidden)"}, {"staticPodURLHeader.A": "(hidden), changed"})


def test_a_kubelet_restarts_for_everything_and_the_agent_for_little() -> None:
    changed = ["maxPods", "oomScoreAdj", "logging.format"]
    assert consequences(changed, kubenodes=False).restart == tuple(changed)
    told = consequences(changed, kubenodes=True)
    assert (told.restart, told.reload) == (("oomScoreAdj",), ("maxPods",))


def test_all_that_the_agent_knows_is_in_kubelets() -> None:
    assert UNSUPPORTED_FIELDS <= FIELDS


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"syncFrequency": "soon"}, "syncFrequency"),
        ({"containerLogMonitorInterval": "1s"}, "containerLogMonitorInterval"),
        ({"crashLoopBackOff": {"maxContainerRestartPeriod": "10m"}}, "crashLoopBackOff.maxContainerRestartPeriod"),
        ({"port": 70_000}, "port"),
        ({"oomScoreAdj": 1001}, "oomScoreAdj"),
        ({"memoryThrottlingFactor": 1.5}, "memoryThrottlingFactor"),
        ({"userNamespaces": {"idsPerPod": 1000}}, "userNamespaces.idsPerPod"),
        ({"cgroupDriver": "none"}, "cgroupDriver"),
        ({"authorization": {"mode": "RBAC"}}, "authorization.mode"),
        ({"address": "here"}, "address"),
        ({"clusterDNS": ["10.0.0.1", "dns"]}, "clusterDNS[1]"),
        ({"clusterDomain": "-x"}, "clusterDomain"),
        ({"podLogsDir": "logs"}, "podLogsDir"),
        ({"evictionHard": {"memory": "1Mi"}}, "evictionHard.memory"),
        ({"evictionHard": {"memory.available": "much"}}, "evictionHard.memory.available"),
        ({"evictionSoft": {"memory.available": "1Mi"}}, "evictionSoft.memory.available"),
        ({"systemReserved": {"gpu": "1"}}, "systemReserved.gpu"),
        ({"reservedSystemCPUs": "all"}, "reservedSystemCPUs"),
        ({"systemCgroups": "/s"}, "systemCgroups"),
        ({"enforceNodeAllocatable": ["kube-reserved"]}, "enforceNodeAllocatable"),
        ({"enforceNodeAllocatable": ["none", "pods"]}, "enforceNodeAllocatable"),
        ({"cgroupsPerQOS": False}, "cgroupsPerQOS"),
        ({"imageGCHighThresholdPercent": 70}, "imageGCLowThresholdPercent"),
        ({"imageMaximumGCAge": "1m"}, "imageMaximumGCAge"),
        ({"containerLogMaxSize": "big"}, "containerLogMaxSize"),
        ({"shutdownGracePeriodCriticalPods": "10s"}, "shutdownGracePeriodCriticalPods"),
        ({"runOnce": True}, "runOnce"),
        ({"registerWithTaints": [{"key": "a", "effect": "Never"}]}, "registerWithTaints[0].effect"),
        ({"reservedMemory": [{"numaNode": 0, "limits": {"memory": "x"}}]}, "reservedMemory[0].limits.memory"),
    ],
)
def test_values_that_a_kubelet_refuses(fields: dict[str, Any], field: str) -> None:
    assert [one.field for one in problems(fields)] == [field]


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"maxPods": 0, "port": 0, "syncFrequency": "0s", "cgroupDriver": "", "hairpinMode": "none"},
        {"evictionSoft": {"memory.available": "5%"}, "evictionSoftGracePeriod": {"memory.available": "30s"}},
        {"cgroupsPerQOS": False, "enforceNodeAllocatable": []},
        {"shutdownGracePeriod": "30s", "shutdownGracePeriodCriticalPods": "10s"},
        {"kubeReserved": {"cpu": "100m", "memory": "1Gi"}, "reservedSystemCPUs": "0-1,4"},
    ],
)
def test_values_that_a_kubelet_takes(fields: dict[str, Any]) -> None:
    assert list(problems(fields)) == []


def test_kubelets_are_stricter_in_two_things() -> None:
    fields = {"kubeReserved": {"cpu": 1}, "maxParallelImagePulls": 5}
    assert [one.field for one in problems_of_kubelet(fields)] == ["kubeReserved.cpu", "maxParallelImagePulls"]
    assert list(problems_of_kubelet({"maxParallelImagePulls": 5, "serializeImagePulls": False})) == []
