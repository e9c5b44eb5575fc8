"""How busy something was between two looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from kubenode.model.usage import ContainerUsage, Cpu, PodUsage, UsageSample

_Usage = TypeVar("_Usage", ContainerUsage, PodUsage)


def with_rates(first: UsageSample, second: UsageSample) -> UsageSample:
    """The second sample, with rates since the first; None for what the first has not got, or where time stood still."""
    return replace(
        second,
        containers=_rated(first.containers, second.containers),
        pods=_rated(first.pods, second.pods),
    )


def rate(first: Cpu | None, second: Cpu) -> int | None:
    """In nanocores. A counter that went back is another one."""
    if first is None or first.usage_core_nanoseconds is None or second.usage_core_nanoseconds is None:
        return None
    used = second.usage_core_nanoseconds - first.usage_core_nanoseconds
    passed = second.timestamp - first.timestamp
    return used * 1_000_000_000 // passed if used >= 0 and passed > 0 else None


def _rated(first: Sequence[_Usage], second: Sequence[_Usage]) -> tuple[_Usage, ...]:
    before = {one.id: one.cpu for one in first}
    return tuple(
        one
        if one.cpu is None
        else replace(one, cpu=replace(one.cpu, usage_nanocores=rate(before.get(one.id), one.cpu)))
        for one in second
    )
