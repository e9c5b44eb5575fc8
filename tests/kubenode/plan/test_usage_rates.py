"""Rates out of two looks."""

from __future__ import annotations

import pytest

from kubenode.model.usage import ContainerUsage, Cpu, UsageSample
from kubenode.plan.usage_rates import rate, with_rates

SECOND = 1_000_000_000


def _cpu(at: int, used: int | None) -> Cpu:
    return Cpu(timestamp=at, usage_core_nanoseconds=used, usage_nanocores=None)


def _sample(**cpus: Cpu | None) -> UsageSample:
    containers = [
        ContainerUsage(
            id=name,
            name=name,
            pod="p",
            namespace="n",
            pod_id="s",
            attempt=0,
            labels={},
            cpu=cpu,
            memory=None,
            swap=None,
            filesystem=None,
        )
        for name, cpu in cpus.items()
    ]
    return UsageSample(containers=tuple(containers), pods=(), not_told=())


@pytest.mark.parametrize(
    ("first", "second", "nanocores"),
    [
        (_cpu(0, 0), _cpu(2 * SECOND, SECOND), SECOND // 2),
        (_cpu(SECOND, 5), _cpu(2 * SECOND, 5), 0),
        (_cpu(0, 0), _cpu(SECOND, 3 * SECOND), 3 * SECOND),
        (_cpu(SECOND, 5), _cpu(SECOND, 9), None),
        (_cpu(0, 9), _cpu(SECOND, 5), None),
        (_cpu(0, None), _cpu(SECOND, 5), None),
        (_cpu(0, 5), _cpu(SECOND, None), None),
        (None, _cpu(SECOND, 5), None),
    ],
)
def test_rate(first: Cpu | None, second: Cpu, nanocores: int | None) -> None:
    assert rate(first, second) == nanocores


def test_what_came_or_tells_nothing_has_no_rate() -> None:
    first = _sample(old=_cpu(0, 0), gone=_cpu(0, 0), mute=None)
    second = _sample(old=_cpu(SECOND, 7), new=_cpu(SECOND, 7), mute=None)
    rated = {one.id: one.cpu.usage_nanocores if one.cpu else "mute" for one in with_rates(first, second).containers}
    assert rated == {"old": 7, "new": None, "mute": "mute"}
