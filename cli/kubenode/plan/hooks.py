"""Lifecycle hooks: from a manifest, and to and from the annotation by which a container outlives its manifest."""

from __future__ import annotations

import msgspec

from kubenode.model.pod import Container
from kubenode.model.probes import ExecAction, HttpGetAction, HttpHeader, LifecycleHandler, SleepAction, handler_of
from kubenode.model.specs import ExecHook, Hook, HttpHook, SleepHook

# What a port's name becomes when the container has no such port: nobody can be asked there, and the error says so.
NO_PORT = 0
LARGEST_PORT = 65535


def hook_of(handler: LifecycleHandler | None, container: Container) -> Hook | None:
    """What to carry out; None where nothing is set, and for tcpSocket, which the kubelet does not run either."""
    match handler_of(handler) if handler is not None else None:
        case ExecAction() as action:
            return ExecHook(tuple(action.command))
        case HttpGetAction() as action:
            return http_hook(action, container)
        case SleepAction() as action:
            return SleepHook(action.seconds)
    return None


def http_hook(action: HttpGetAction, container: Container, host: str = "") -> HttpHook:
    """The request with its port as a number; `host` is asked where the action names none."""
    return HttpHook(
        scheme=action.scheme or "HTTP",
        host=action.host or host,
        port=port_number(action.port, container),
        path=action.path or "/",
        headers=tuple((header.name, header.value) for header in action.http_headers),
    )


def port_number(port: int | str, container: Container) -> int:
    """A name is that of one of the container's ports, or else a number written as text."""
    if isinstance(port, str):
        named = next((one.container_port for one in container.ports if one.name and one.name == port), None)
        port = named if named is not None else _number(port)
    return port if 0 < port <= LARGEST_PORT else NO_PORT


def _number(text: str) -> int:
    return int(text) if len(text) <= len(str(LARGEST_PORT)) and text.isascii() and text.isdecimal() else NO_PORT


def hook_to_text(hook: Hook) -> str:
    """For the annotation io.kubernetes.container.preStopHandler: a LifecycleHandler as JSON."""
    return msgspec.json.encode(_handler(hook)).decode()


def hook_from_text(text: str) -> Hook | None:
    """What the annotation says; None where it is empty, spoilt, or names a port by a name."""
    try:
        handler = msgspec.json.decode(text, type=LifecycleHandler)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    hook = hook_of(handler, Container(name="", image=""))
    return None if isinstance(hook, HttpHook) and hook.port == NO_PORT else hook


def _handler(hook: Hook) -> LifecycleHandler:
    match hook:
        case ExecHook():
            return LifecycleHandler(exec=ExecAction(command=list(hook.command)))
        case SleepHook():
            return LifecycleHandler(sleep=SleepAction(seconds=hook.seconds))
    headers = [HttpHeader(name=name, value=value) for name, value in hook.headers]
    request = HttpGetAction(port=hook.port, path=hook.path, host=hook.host, scheme=hook.scheme, http_headers=headers)
    return LifecycleHandler(http_get=request)
