"""The module cri_pod: a sandbox that runs, is stopped or is not there."""

from __future__ import annotations

import contextlib
from typing import Any

from kubenode.agent.lock import upstream_kubelet
from kubenode.apply.cri_config import merge, sandbox_part
from kubenode.apply.cri_objects import ObjectExecutor
from kubenode.apply.requests import sandbox_config
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import ClientError
from kubenode.model.cri_definitions import DnsOptions, PodDefinition, PodSecurity, Port, Text
from kubenode.model.cri_info import PodInfo
from kubenode.model.cri_objects import CriPlan, MakeSandbox, Place
from kubenode.model.names import PodKey
from kubenode.observe import cri_info
from kubenode.observe.cri_objects import ObjectObserver
from kubenode.observe.driver import uses_systemd
from kubenode.plan.cri_pods import PodState, Recreate, WantedPod, plan_pod
from kubenode.plan.cri_rules import key_problems, pod_problems
from kubenode.resources.options import CriOptions, OptionError, open_runtime
from kubenode.resources.place import log_links, node_place
from kubenode.resources.result import ResourceError, Result


class Options(CriOptions, frozen=True, kw_only=True):
    """`recreate`: when one that differs is made anew: idle, while none of its containers runs.

    From `uid` on they are the fields of PodDefinition: a struct has one base.
    """

    name: str
    namespace: str = "default"
    state: PodState = "running"
    recreate: Recreate = "idle"
    force: bool = False
    beside_kubelet: bool = False
    uid: str = ""
    hostname: str = ""
    labels: dict[str, Text] = {}
    annotations: dict[str, Text] = {}
    ports: list[Port] = []
    dns: DnsOptions = DnsOptions()
    host_network: bool = False
    host_pid: bool = False
    host_ipc: bool = False
    share_process_namespace: bool = False
    sysctls: dict[str, Text] = {}
    log_directory: str = ""
    cgroup_parent: str = ""
    runtime_handler: str = ""
    security: PodSecurity = PodSecurity()
    config: dict[str, Any] = {}

    @property
    def key(self) -> PodKey:
        return PodKey(self.namespace, self.name)


async def run(options: Options, *, check: bool) -> Result:
    wanted = _wanted(options)
    async with open_runtime(options) as cri:
        plan = await _plan(cri, wanted, beside_kubelet=options.beside_kubelet)
        executor = ObjectExecutor(cri, log_links(), options.key)
        try:
            if not check:
                await executor.carry_out(plan.actions)
        except (ClientError, OSError) as error:
            values = {}
            # The runtime may be what failed.
            with contextlib.suppress(ClientError):
                values = await _pod(cri, options.key)
            done = Result(values=values, steps=executor.done)
            raise ResourceError(f"Pod {options.key}: {error}", **done.returned()) from error
        values = await _pod(cri, options.key)
    return Result(values=values, steps=plan.actions, before=plan.before, after=plan.after)


def _wanted(options: Options) -> WantedPod:
    """Raises OptionError, ConfigError."""
    definition = PodDefinition(**{name: getattr(options, name) for name in PodDefinition.__struct_fields__})
    config = sandbox_part(definition)
    for problem in (*key_problems(options.key, "name"), *pod_problems(definition, config)):
        raise OptionError(problem)
    return WantedPod(options.key, options.state, definition, config, options.recreate, options.force)


async def _plan(cri: CriClient, wanted: WantedPod, *, beside_kubelet: bool) -> CriPlan:
    """Raises ResourceError where it cannot or may not be done."""
    observer = ObjectObserver(cri)
    seen = await observer.seen(await observer.sandboxes(wanted.key))
    place = node_place()
    plan = plan_pod(wanted, seen, place)
    if any(isinstance(action, MakeSandbox) for action in plan.actions):
        if not beside_kubelet:
            _refuse_beside_kubelet(wanted.key)
        if not wanted.definition.cgroup_parent and await uses_systemd(cri, otherwise=place.systemd):
            plan = plan_pod(wanted, seen, Place(place.node_name, place.logs, place.cgroup, systemd=True))
    if plan.problem:
        raise ResourceError(plan.problem, **Result(values=await _pod(cri, wanted.key)).returned())
    for action in plan.actions:
        if isinstance(action, MakeSandbox):
            merge(sandbox_config(action.spec), action.config)
    return plan


def _refuse_beside_kubelet(key: PodKey) -> None:
    pid = upstream_kubelet()
    if pid is not None:
        raise ResourceError(
            f"Pod {key}: a kubelet runs on this node (process {pid}), and it stops every sandbox that it does not know "
            "within seconds. Run it as a static pod instead, with kubenode.node.static_pod; where that kubelet uses "
            "another runtime, set beside_kubelet: true."
        )


async def _pod(cri: CriClient, key: PodKey) -> dict[str, PodInfo]:
    """The newest of the name, one that runs first; nothing where there is none."""
    found = await cri_info.pods(cri, cri_info.Filters(names=[key.name], namespaces=[key.namespace]), verbose=False)
    newest = sorted(found, key=lambda one: (one.state == "ready", one.attempt))
    return {"pod": newest[-1]} if newest else {}
