"""The module cri_stats_info: what containers and pods use."""

from __future__ import annotations

import asyncio

from kubenode.observe.cri_info import Filters
from kubenode.observe.runtime_usage import usage
from kubenode.plan.usage_rates import with_rates
from kubenode.resources.options import CriOptions, OptionError, open_runtime
from kubenode.resources.result import Result


class Options(CriOptions, frozen=True, kw_only=True):
    """name, namespace, pod: patterns; ids: beginnings of ids; interval: seconds between two looks, 0: one look."""

    name: list[str] = []
    namespace: list[str] = []
    pod: list[str] = []
    ids: list[str] = []
    labels: dict[str, str] = {}
    interval: float = 0


async def run(options: Options, *, check: bool) -> Result:
    if options.interval < 0:
        raise OptionError(f"interval: {options.interval:g} is less than nothing")
    filters = Filters(
        names=options.name,
        namespaces=options.namespace,
        pods=options.pod,
        ids=options.ids,
        labels=options.labels,
    )
    async with open_runtime(options) as cri:
        sample = await usage(cri, filters)
        if options.interval:
            await asyncio.sleep(options.interval)
            sample = with_rates(sample, await usage(cri, filters))
    parts = {"containers": sample.containers, "pods": sample.pods, "not_told": sample.not_told}
    return Result(values={name: list(part) for name, part in parts.items()})
