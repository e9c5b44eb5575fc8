"""`v1.Probe` and `v1.Lifecycle`: what is asked of a container, and what it is told at its start and end."""

from __future__ import annotations

from typing import ClassVar

from kubenode.model.schema import Object

DEFAULT_PERIOD_SECONDS = 10


class ExecAction(Object, frozen=True, kw_only=True):
    command: list[str] = []


class HttpHeader(Object, frozen=True, kw_only=True):
    name: str
    value: str = ""


class HttpGetAction(Object, frozen=True, kw_only=True):
    """`port` is a number or the name of one of the container's ports; without `host` the pod's address is asked."""

    port: int | str
    path: str = "/"
    host: str = ""
    scheme: str = "HTTP"
    http_headers: list[HttpHeader] = []


class TcpSocketAction(Object, frozen=True, kw_only=True):
    port: int | str
    host: str = ""


class GrpcAction(Object, frozen=True, kw_only=True):
    port: int
    service: str = ""


class SleepAction(Object, frozen=True, kw_only=True):
    seconds: int


class Probe(Object, frozen=True, kw_only=True):
    """Exactly one of the four actions is set. Delays, periods and time-outs in seconds."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    grpc: GrpcAction | None = None
    zero_is_default: ClassVar[tuple[str, ...]] = (
        *("period_seconds", "timeout_seconds", "success_threshold", "failure_threshold"),
    )

    initial_delay_seconds: int = 0
    period_seconds: int = DEFAULT_PERIOD_SECONDS
    timeout_seconds: int = 1
    success_threshold: int = 1
    failure_threshold: int = 3
    termination_grace_period_seconds: int | None = None


class LifecycleHandler(Object, frozen=True, kw_only=True):
    """Exactly one is set; tcpSocket exists for old manifests and is not carried out, as on the kubelet."""

    exec: ExecAction | None = None
    http_get: HttpGetAction | None = None
    tcp_socket: TcpSocketAction | None = None
    sleep: SleepAction | None = None


class Lifecycle(Object, frozen=True, kw_only=True):
    post_start: LifecycleHandler | None = None
    pre_stop: LifecycleHandler | None = None
    stop_signal: str = ""


# Where a handler's port is a name, it is the container's port of that name.
Handler = ExecAction | HttpGetAction | TcpSocketAction | GrpcAction | SleepAction


def handler_of(value: Probe | LifecycleHandler) -> Handler | None:
    """The one action that is set."""
    found = (getattr(value, name, None) for name in ("exec", "http_get", "tcp_socket", "grpc", "sleep"))
    return next((action for action in found if action is not None), None)
