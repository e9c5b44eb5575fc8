"""Lifecycle hooks, carried out: what a container is told right after its start and before its stop."""

from __future__ import annotations

import asyncio
import math

from kubenode.clients.cri import CriClient
from kubenode.clients.errors import DeadlineExceeded, RuntimeFailure
from kubenode.clients.http_get import Request, http_get, http_session
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.specs import ExecHook, Hook, HttpHook, SleepHook

# Of a failed command's output, in bytes.
MAX_OUTPUT = 1024


async def run_hook(cri: CriClient, hook: Hook, container_id: str, pod_ip: str, timeout_seconds: float | None) -> None:
    """Until the hook is through; a command has to exit with 0, of a server any answer will do, as on the kubelet.

    Raises ClientError; after `timeout_seconds` (None: no limit) DeadlineExceeded, and a command is killed.
    """
    try:
        async with asyncio.timeout(timeout_seconds):
            await _run(cri, hook, container_id, pod_ip, timeout_seconds)
    except TimeoutError:
        raise DeadlineExceeded(
            endpoint=cri.endpoint,
            operation=_described(hook),
            subject=f"container {container_id[:13]}",
            detail=f"it was not done within {timeout_seconds:g} s",
            remedy="Make the hook shorter or the pod's grace period longer.",
        ) from None


async def _run(cri: CriClient, hook: Hook, container_id: str, pod_ip: str, timeout_seconds: float | None) -> None:
    match hook:
        case ExecHook():
            await _exec(cri, hook, container_id, timeout_seconds)
        case HttpHook():
            request = Request(
                hook.scheme, hook.host or pod_ip, hook.port, hook.path, hook.headers, agent="kube-lifecycle"
            )
            async with http_session() as session:
                await http_get(session, request, None)
        case SleepHook():
            await asyncio.sleep(hook.seconds)


async def _exec(cri: CriClient, hook: ExecHook, container_id: str, timeout_seconds: float | None) -> None:
    seconds = 0 if timeout_seconds is None else math.ceil(timeout_seconds)
    answer = await cri.exec_sync(pb.ExecSyncRequest(container_id=container_id, cmd=hook.command, timeout=seconds))
    if answer.exit_code:
        output = (answer.stdout + answer.stderr)[-MAX_OUTPUT:].decode(errors="replace").strip()
        raise RuntimeFailure(
            endpoint=cri.endpoint,
            operation=_described(hook),
            subject=f"container {container_id[:13]}",
            detail=f"it ended with exit code {answer.exit_code}" + (f": {output}" if output else ""),
            remedy="Mend the hook's command.",
        )


def _described(hook: Hook) -> str:
    """Without arguments: these may hold secrets."""
    match hook:
        case ExecHook():
            return f"the hook's command {hook.command[0] if hook.command else ''}".rstrip()
        case HttpHook():
            return f"the hook's GET {hook.path}"
        case SleepHook():
            return f"the hook's sleep of {hook.seconds} s"
