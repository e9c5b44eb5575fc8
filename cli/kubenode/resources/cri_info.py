"""The module cri_info: what the container runtime tells of itself."""

from __future__ import annotations

from kubenode.observe.runtime_info import runtime_info
from kubenode.resources.options import CriOptions, open_runtime
from kubenode.resources.result import Result


class Options(CriOptions, frozen=True, kw_only=True):
    """verbose: with the runtime's own configuration; probe_rpcs: try which RPCs it has."""

    verbose: bool = False
    probe_rpcs: bool = True


async def run(options: Options, *, check: bool) -> Result:
    async with open_runtime(options) as cri:
        told = await runtime_info(cri, verbose=options.verbose, probe=options.probe_rpcs)
    return Result(values={"runtime": told})
