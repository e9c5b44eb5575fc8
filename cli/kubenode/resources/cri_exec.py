"""The module cri_exec: one command in a container that runs, with its input and its output."""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from kubenode.agent.config import DEFAULT_PATH, load
from kubenode.agent.looking import NoContainer, SeenContainer, running, seen_pods
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import DeadlineExceeded, ResourceExhausted
from kubenode.clients.streaming import Streams, exec_stream
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.names import PodKey
from kubenode.resources.options import CriOptions, OptionError, open_runtime
from kubenode.resources.result import ResourceError, Result

CHECKED = "A command is not run in check mode: what it would change cannot be told."
PIECE = 32 << 10


class Options(CriOptions, frozen=True, kw_only=True):
    """pod: `[namespace/]pod[/container]`; command_timeout: seconds, 0 for ever."""

    argv: list[str]
    pod: str = ""
    namespace: str = ""
    container: str = ""
    container_id: str = ""
    stdin: str | None = None
    stdin_add_newline: bool = True
    strip_empty_ends: bool = True
    command_timeout: int = 0
    encoding: Literal["text", "base64"] = "text"


@dataclass(frozen=True, slots=True)
class _Target:
    key: PodKey
    container: SeenContainer

    def __str__(self) -> str:
        return f"{self.key}/{self.container.name}"


@dataclass(frozen=True, slots=True)
class _Ended:
    code: int
    stdout: bytes
    stderr: bytes


async def run(options: Options, *, check: bool) -> Result:
    """Raises ResourceError, with the command's result, where it ends with another code than 0."""
    _refuse(options)
    if check:
        return Result(values={"skipped": True, "msg": CHECKED})
    async with open_runtime(options) as cri:
        target = await _target(cri, options)
        start = datetime.now(UTC)
        ended = await _run(cri, target, options)
        end = datetime.now(UTC)
    values: dict[str, object] = {
        "cmd": options.argv,
        "rc": ended.code,
        "stdout": _text(ended.stdout, options),
        "stderr": _text(ended.stderr, options),
        "start": str(start.replace(tzinfo=None)),
        "end": str(end.replace(tzinfo=None)),
        "delta": str(end - start),
        "namespace": target.key.namespace,
        "pod": target.key.name,
        "container": target.container.name,
        "container_id": target.container.id,
    }
    if ended.code:
        raise ResourceError(_failure(ended, target, options.argv[0]), **values, changed=True)
    return Result(values=values, changed=True)


def _refuse(options: Options) -> None:
    if not options.argv or not options.argv[0]:
        raise OptionError("argv: the command is missing: write its program and each of its arguments as an element")
    if bool(options.pod) == bool(options.container_id):
        raise OptionError("pod: name either a pod or, with container_id, a container, and not both")
    if options.container_id and (options.namespace or options.container):
        raise OptionError("container_id: it says all, so give no namespace and no container beside it")
    if options.command_timeout < 0:
        raise OptionError(f"command_timeout: {options.command_timeout} is less than nothing")
    if any("\0" in argument for argument in options.argv):
        raise OptionError("argv: an argument cannot hold a NUL")


async def _target(cri: CriClient, options: Options) -> _Target:
    if options.container_id:
        return await _by_id(cri, options.container_id)
    name, namespace = options.pod, options.namespace
    if namespace and not name.startswith(f"{namespace}/"):
        name = f"{namespace}/{name}"
    pod, container, _ = await running(cri, name, options.container, _node_name())
    return _Target(pod.key, container)


async def _by_id(cri: CriClient, container_id: str) -> _Target:
    """By the beginning of an id, if only one has it."""
    there = [(pod, one) for pod in await seen_pods(cri) for one in pod.containers if one.id.startswith(container_id)]
    if len(there) != 1:
        several = ", ".join(f"{one.id[:13]} ({pod.key}/{one.name})" for pod, one in there)
        raise NoContainer(
            f"The id {container_id} may be any of {several}. Write more of it."
            if there
            else f"There is no container {container_id} on this node. kubenode.node.cri_container_info lists them."
        )
    pod, container = there[0]
    if not container.running:
        raise NoContainer(f"Container {container.id[:13]} ({pod.key}/{container.name}) does not run.")
    return _Target(pod.key, container)


def _node_name() -> str:
    return load(DEFAULT_PATH).node_name if DEFAULT_PATH.exists() else socket.gethostname().lower()


async def _run(cri: CriClient, target: _Target, options: Options) -> _Ended:
    if options.stdin is None:
        return await _at_once(cri, target, options)
    try:
        async with asyncio.timeout(options.command_timeout or None):
            return await _with_input(cri, target, options)
    except TimeoutError as error:
        raise _late(target, options, "It may still run in the container.") from error


async def _at_once(cri: CriClient, target: _Target, options: Options) -> _Ended:
    """The runtime itself keeps the time, and kills what takes longer."""
    program = f"{options.argv[0]} in {target}"
    request = pb.ExecSyncRequest(container_id=target.container.id, cmd=options.argv, timeout=options.command_timeout)
    try:
        answer = await cri.exec_sync(request, subject=program)
    except DeadlineExceeded as error:
        if not options.command_timeout:
            raise
        raise _late(target, options, "The runtime was told to kill it.") from error
    except ResourceExhausted as error:
        raise ResourceError(
            f"{program} was run, and the runtime does not hand its result over: {error.detail}. "
            "Its output may be too much for one answer: with stdin, be it empty, output is streamed.",
            cmd=options.argv,
        ) from error
    return _Ended(answer.exit_code, answer.stdout, answer.stderr)


def _late(target: _Target, options: Options, rest: str) -> ResourceError:
    sentence = f"{options.argv[0]} in {target} did not end within {options.command_timeout} s (command_timeout). {rest}"
    return ResourceError(sentence, cmd=options.argv)


async def _with_input(cri: CriClient, target: _Target, options: Options) -> _Ended:
    stdout, stderr = bytearray(), bytearray()

    async def to_stdout(data: bytes) -> None:
        stdout.extend(data)

    async def to_stderr(data: bytes) -> None:
        stderr.extend(data)

    streams = Streams(stdout=to_stdout, stderr=to_stderr, stdin=_pieces(options))
    code = await exec_stream(cri, target.container.id, options.argv, streams)
    return _Ended(code, bytes(stdout), bytes(stderr))


async def _pieces(options: Options) -> AsyncIterator[bytes]:
    text = options.stdin or ""
    if text and options.stdin_add_newline and not text.endswith("\n"):
        text += "\n"
    data = text.encode(errors="surrogateescape")
    for start in range(0, len(data), PIECE):
        yield data[start : start + PIECE]


def _text(data: bytes, options: Options) -> str:
    if options.encoding == "base64":
        return base64.b64encode(data).decode()
    text = data.decode(errors="replace")
    return text.rstrip("\r\n") if options.strip_empty_ends else text


def _failure(ended: _Ended, target: _Target, program: str) -> str:
    lines = (ended.stderr or ended.stdout).decode(errors="replace").strip().splitlines()
    said = f": {lines[-1]}" if lines else ""
    return f"{program} in {target} ended with exit code {ended.code}{said}"
