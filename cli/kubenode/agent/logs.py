"""The logs of a pod's containers, from their files: read, then followed until the pod is gone."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from watchfiles import awatch

from kubenode.agent.looking import NoContainer, SeenContainer, SeenPod, choose, find, runtime, seen_pods, waiting
from kubenode.agent.naming import UnknownName
from kubenode.clients.cri import CriClient
from kubenode.clients.errors import DeadlineExceeded, KubenodeError, NotFound, Unavailable
from kubenode.clients.stubs import cri_pb2 as pb
from kubenode.model.names import PodKey
from kubenode.model.settings import Settings
from kubenode.observe.log_files import Entry, LogReader, parts

ATTEMPT = re.compile(r"(?P<before>.*?)(?P<number>[0-9]+)\.log")
DIRECTORY = re.compile(r"(?P<namespace>[^_]+)_(?P<name>[^_]+)_(?P<uid>[^_]+)")
# A pod that has ended writes no file that would say so.
LOOK_MILLISECONDS = 10_000
DEBOUNCE_MILLISECONDS = 100

Write = Callable[[bytes], None]
Note = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LogRequest:
    """What is asked for. `since`: nanoseconds since the epoch; `tail`: None for all."""

    name: str
    container: str = ""
    all_containers: bool = False
    follow: bool = False
    previous: bool = False
    since: int = 0
    tail: int | None = None
    timestamps: bool = False


@dataclass(frozen=True, slots=True)
class Log:
    """A container's log: the file of the attempt asked for. `pod`: for a follower, where there is a runtime to ask."""

    container: str
    path: Path
    cri: CriClient | None = None
    pod: SeenPod | None = None


async def write_logs(settings: Settings, request: LogRequest, write: Write, note: Note) -> None:
    """The log to `write`, in whole lines; what else there is to say to `note`. Raises KubenodeError."""
    try:
        async with runtime(settings) as cri:
            try:
                logs = await _of_runtime(settings, request, cri, note)
            except (UnknownName, NoContainer) as error:
                reason = None if request.previous else await waiting(settings, request.name, request.container)
                raise (reason or error) from None
            await _write_all(logs, request, write)
    except (Unavailable, DeadlineExceeded) as error:
        note(f"{error} Read from the files below {settings.kubelet.pod_logs_dir} instead.")
        await _write_all(_of_files(settings, request, note), request, write)


async def _of_runtime(settings: Settings, request: LogRequest, cri: CriClient, note: Note) -> list[Log]:
    pod, target = find(request.name, await seen_pods(cri), settings.node_name)
    logs = []
    for name in _containers(pod, request, target.container, note):
        container = _attempt(pod, name, previous=request.previous)
        logs.append(Log(name, await _path(cri, pod, container), cri, pod))
    return logs


def _containers(pod: SeenPod, request: LogRequest, named: str, note: Note) -> Iterable[str]:
    if request.all_containers and pod.containers:
        return pod.named.containers
    name, said = choose(pod, request.container or named)
    if said:
        note(said)
    return (name,)


def _attempt(pod: SeenPod, name: str, *, previous: bool) -> SeenContainer:
    """The newest container of the name, or the one before it. Raises NoContainer.

    As kubectl does: what has ended and waits to be started again is the previous one already.
    """
    found = [container for container in pod.containers if container.name == name]
    if not previous:
        return found[-1]
    if len(found) < 2 and not found[-1].running:
        return found[-1]
    if len(found) < 2:
        raise NoContainer(f"Container {name} of {pod.key} has no previous one: it is the first, or that is removed.")
    return found[-2]


async def _path(cri: CriClient, pod: SeenPod, container: SeenContainer) -> Path:
    """Where it logs. Raises NoContainer for one that has never started, ClientError."""
    answer = await cri.container_status(pb.ContainerStatusRequest(container_id=container.id))
    status = answer.status
    if not status.log_path:
        raise NoContainer(f"Container {container.name} of {pod.key} has no log: it was made without one.")
    path = Path(status.log_path)
    if not parts(path) and status.state != pb.CONTAINER_RUNNING:
        why = (
            ": ".join(filter(None, (status.reason, status.message.rstrip(".")))) or "it is made and waits to be started"
        )
        raise NoContainer(f"Container {container.name} of {pod.key} has not started, so it has no log. {why}.")
    return path


def _of_files(settings: Settings, request: LogRequest, note: Note) -> list[Log]:
    """The logs that the files alone tell of. Raises UnknownName, AmbiguousName, NoContainer."""
    root = Path(settings.kubelet.pod_logs_dir)
    pods = [pod for pod in map(_pod_of_directory, sorted(root.glob("*_*_*/"), key=_modified)) if pod is not None]
    pod, target = find(request.name, list({pod.key: pod for pod in pods}.values()), settings.node_name)
    names = _containers(pod, request, target.container, note)
    return [Log(name, Path(_attempt(pod, name, previous=request.previous).id)) for name in names]


def _pod_of_directory(directory: Path) -> SeenPod | None:
    """A pod, as its log directory tells of it: its containers' ids are their files."""
    match = DIRECTORY.fullmatch(directory.name)
    if match is None:
        return None
    files = [(file, number) for file in directory.glob("*/*.log") if (number := _number(file)) is not None]
    containers = tuple(
        SeenContainer(str(file), file.parent.name, number, running=False, created_at=0)
        for file, number in sorted(files, key=lambda one: (one[0].parent.name, one[1]))
    )
    return SeenPod(PodKey(match["namespace"], match["name"]), match["uid"], "", False, {}, containers)


async def _write_all(logs: list[Log], request: LogRequest, write: Write) -> None:
    async def one(log: Log) -> None:
        async for entry in _entries(log, request):
            write(_line(entry, timestamps=request.timestamps))

    try:
        if not request.follow:
            for log in logs:
                await one(log)
            return
        async with asyncio.TaskGroup() as group:
            for log in logs:
                group.create_task(one(log))
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _line(entry: Entry, *, timestamps: bool) -> bytes:
    return entry.time + b" " + entry.text if timestamps and entry.time else entry.text


async def _entries(log: Log, request: LogRequest) -> AsyncIterator[Entry]:
    try:
        with LogReader(log.path, since=request.since, tail=request.tail) as reader:
            for entry in reader.entries():
                yield entry
            if request.follow and not request.previous:
                async for entry in _follow(log, reader):
                    yield entry
            for entry in reader.rest():
                yield entry
    except FileNotFoundError as error:
        raise KubenodeError(f"The log {error.filename} went away while it was read. Try again.") from None
    except (OSError, EOFError) as error:
        raise KubenodeError(f"The log {log.path} cannot be read: {error}. Run as root.") from None


async def _follow(log: Log, reader: LogReader) -> AsyncIterator[Entry]:
    """What comes, over rotations and restarts, until the pod's logs are removed or its sandbox has ended."""
    path, directory = log.path, log.path.parent
    async with _watching(directory) as changed:
        gone = False
        while True:
            for entry in reader.more():
                yield entry
            following = path if not reader.is_at(path) else _next_attempt(path)
            if following is not None:
                for entry in (*reader.more(), *(reader.rest() if following != path else ())):
                    yield entry
                path = following
                reader.go_on(path)
            elif gone or not directory.is_dir():
                return
            else:
                gone = not await changed() and await _has_ended(log)


@asynccontextmanager
async def _watching(directory: Path) -> AsyncGenerator[Callable[[], Awaitable[bool]]]:
    """A function that waits for a change in the directory; False when for some time there was none.

    The kernel watches before this is entered, so nothing that is read after it is missed.
    """
    changes = awatch(
        directory,
        watch_filter=None,
        recursive=False,
        debounce=DEBOUNCE_MILLISECONDS,
        rust_timeout=LOOK_MILLISECONDS,
        yield_on_timeout=True,
    )
    pending = asyncio.ensure_future(_next(changes))
    await asyncio.sleep(0)

    async def changed() -> bool:
        nonlocal pending
        found = await pending
        pending = asyncio.ensure_future(_next(changes))
        return found

    try:
        yield changed
    finally:
        pending.cancel()
        await asyncio.wait([pending])


async def _next(changes: AsyncIterator[Collection[object]]) -> bool:
    return bool(await anext(changes, ()))


def _next_attempt(path: Path) -> Path | None:
    """The log of the container that was started after this one; parts of the pod's older ones may be gone."""
    mine = _number(path)
    if mine is None:
        return None
    before = ATTEMPT.fullmatch(path.name)
    later = {
        number: other
        for other in path.parent.glob("*.log")
        if (number := _number(other)) is not None
        and number > mine
        and before is not None
        and other.name.startswith(before["before"])
    }
    return later[min(later)] if later else None


def _number(path: Path) -> int | None:
    match = ATTEMPT.fullmatch(path.name)
    return int(match["number"]) if match else None


async def _has_ended(log: Log) -> bool:
    """Whether the pod's sandbox is gone or stopped. Nobody to ask: it goes on as long as its files do."""
    if log.cri is None or log.pod is None:
        return False
    try:
        answer = await log.cri.pod_sandbox_status(pb.PodSandboxStatusRequest(pod_sandbox_id=log.pod.sandbox_id))
    except NotFound:
        return True
    except (Unavailable, DeadlineExceeded):
        return False
    return answer.status.state != pb.SANDBOX_READY


def _modified(path: Path) -> float:
    return path.stat().st_mtime
