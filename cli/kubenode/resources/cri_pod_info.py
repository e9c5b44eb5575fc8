"""The module cri_pod_info: sandboxes as the runtime has them."""

from __future__ import annotations

from typing import Literal

from kubenode.observe import cri_info
from kubenode.resources.options import CriOptions, open_runtime
from kubenode.resources.result import Result


class Options(CriOptions, frozen=True, kw_only=True):
    """name, namespace: patterns; ids: beginnings of ids. What is not set is not filtered by."""

    name: list[str] = []
    namespace: list[str] = []
    ids: list[str] = []
    labels: dict[str, str] = {}
    state: Literal["ready", "notready"] | None = None
    verbose: bool = False


async def run(options: Options, *, check: bool) -> Result:
    filters = cri_info.Filters(
        names=options.name,
        namespaces=options.namespace,
        ids=options.ids,
        labels=options.labels,
        state=options.state or "",
    )
    async with open_runtime(options) as cri:
        return Result(values={"pods": await cri_info.pods(cri, filters, verbose=options.verbose)})
