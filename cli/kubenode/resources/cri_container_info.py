"""The module cri_container_info: containers as the runtime has them."""

from __future__ import annotations

from typing import Literal

from kubenode.observe import cri_info
from kubenode.resources.options import CriOptions, open_runtime
from kubenode.resources.result import Result


class Options(CriOptions, frozen=True, kw_only=True):
    """name, namespace, pod: patterns; ids: beginnings of ids. What is not set is not filtered by."""

    name: list[str] = []
    namespace: list[str] = []
    pod: list[str] = []
    ids: list[str] = []
    labels: dict[str, str] = {}
    state: Literal["created", "running", "exited", "unknown"] | None = None
    verbose: bool = False


async def run(options: Options, *, check: bool) -> Result:
    filters = cri_info.Filters(
        names=options.name,
        namespaces=options.namespace,
        pods=options.pod,
        ids=options.ids,
        labels=options.labels,
        state=options.state or "",
    )
    async with open_runtime(options) as cri:
        return Result(values={"containers": await cri_info.containers(cri, filters, verbose=options.verbose)})
