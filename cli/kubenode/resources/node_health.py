"""The checks of a node's health as data, with the caller's own rules beside them. Nothing is changed."""

from __future__ import annotations

import asyncio
from typing import Literal

import msgspec

from kubenode.agent import queries
from kubenode.agent.inspecting import inspected
from kubenode.agent.surroundings import Surroundings, surroundings
from kubenode.model.reports import Check, Level, PodsReport
from kubenode.plan.health import pod_checks, worst
from kubenode.plan.health_rules import Rule, RuleError, check_names, rule_checks, selected
from kubenode.resources import options
from kubenode.resources.options import OptionError
from kubenode.resources.plain import plain
from kubenode.resources.result import ResourceError, Result

FAILS: dict[str, tuple[Level, ...]] = {
    "warning": (Level.WARNING, Level.CRITICAL),
    "critical": (Level.CRITICAL,),
    "never": (),
}


class Options(options.Options, frozen=True, kw_only=True):
    fail_on: Literal["warning", "critical", "never"] = "critical"
    only: list[str] = []
    exclude: list[str] = []
    rules: list[Rule] = []
    timeout: int = 60
    config: str = ""
    runtime_endpoint: str = ""


async def run(wanted: Options, *, check: bool) -> Result:  # noqa: ARG001 (it never changes anything)
    """Raises ResourceError, with all checks, where one is as bad as `fail_on` says."""
    around = surroundings(wanted.config, wanted.runtime_endpoint)
    node = around.settings.node_name
    try:
        for option, patterns in (("only", wanted.only), ("exclude", wanted.exclude)):
            check_names(patterns, option, wanted.rules)
        async with asyncio.timeout(wanted.timeout):
            report, pods = await queries.examine(around.settings)
            built_in = list(report.checks)
            if around.kubelet:
                pods = await _upstream(around, pods)
                built_in += pod_checks(pods)
        told = {**plain(report), **{key: plain(getattr(pods, key)) for key in ("pods", "manifests", "objects")}}
        checks = selected((*built_in, *rule_checks(wanted.rules, told)), wanted.only, wanted.exclude)
    except RuleError as error:
        raise OptionError(str(error)) from None
    except TimeoutError:
        raise ResourceError(
            f"Node {node} did not answer all checks within {wanted.timeout} s: its runtime or agent hangs, see "
            "journalctl -u containerd -u kubenode."
        ) from None
    values = {"node": node, "level": worst(checks).value, "checks": plain(checks)}
    bad = [one for one in checks if one.level in FAILS[wanted.fail_on]]
    if bad:
        raise ResourceError(f"Node {node} is {worst(bad)}: {' '.join(_sentence(one) for one in bad)}", **values)
    return Result(values=msgspec.to_builtins(values))


async def _upstream(around: Surroundings, known: PodsReport) -> PodsReport:
    """A kubelet's static pods, as the runtime shows them."""
    seen = await inspected(around.directory, around)
    return msgspec.structs.replace(known, pods=tuple(status for status in seen.statuses if status is not None))


def _sentence(check: Check) -> str:
    said = f"{check.name}: {check.message.rstrip('.')}."
    return f"{said} {check.remedy}" if check.remedy and check.remedy not in said else said
