"""Probes and lifecycle handlers."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kubenode.model.pod import Container, PodSpec
from kubenode.model.probes import ExecAction, HttpGetAction, LifecycleHandler, Probe, SleepAction
from kubenode.model.validation.ports import port_name, port_number
from kubenode.model.validation.rules import Problem, exactly_one, no_nul, number, one_of, quoted

PROBE_ACTIONS = ("exec", "http_get", "tcp_socket", "grpc")
HANDLER_ACTIONS = ("exec", "http_get", "tcp_socket", "sleep")
SIGNALS = frozenset(
    "ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM "
    "TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN RTMAX".split()
) | {*(f"RTMIN+{n}" for n in range(1, 16)), *(f"RTMAX-{n}" for n in range(1, 15))}

_HEADER = re.compile(r"[-A-Za-z0-9]+")


def probe_problems(container: Container, path: str) -> Iterator[Problem]:
    if container.liveness_probe:
        yield from _probe(container.liveness_probe, f"{path}.livenessProbe", once=True)
    if container.readiness_probe:
        where = f"{path}.readinessProbe"
        yield from _probe(container.readiness_probe, where, once=False)
        if container.readiness_probe.termination_grace_period_seconds is not None:
            where = f"{where}.terminationGracePeriodSeconds"
            yield Problem(where, "a readiness probe ends no container: remove it")
    if container.startup_probe:
        yield from _probe(container.startup_probe, f"{path}.startupProbe", once=True)


def _probe(probe: Probe, path: str, *, once: bool) -> Iterator[Problem]:
    yield from exactly_one(path, probe, PROBE_ACTIONS)
    yield from _actions(probe, path)
    if probe.grpc:
        yield from _port(probe.grpc.port, f"{path}.grpc.port")
    yield from number(f"{path}.initialDelaySeconds", probe.initial_delay_seconds, 0)
    yield from number(f"{path}.periodSeconds", probe.period_seconds, 1)
    yield from number(f"{path}.timeoutSeconds", probe.timeout_seconds, 1)
    yield from number(f"{path}.successThreshold", probe.success_threshold, 1, what="successes")
    yield from number(f"{path}.failureThreshold", probe.failure_threshold, 1, what="failures")
    yield from number(f"{path}.terminationGracePeriodSeconds", probe.termination_grace_period_seconds, 1)
    if once and probe.success_threshold > 1:
        yield Problem(f"{path}.successThreshold", "one success is enough for this probe: write 1, or remove it")


def lifecycle_problems(container: Container, spec: PodSpec, path: str) -> Iterator[Problem]:
    lifecycle = container.lifecycle
    for field, handler in (("postStart", lifecycle.post_start), ("preStop", lifecycle.pre_stop)):
        if handler is not None:
            yield from exactly_one(f"{path}.{field}", handler, HANDLER_ACTIONS)
            yield from _actions(handler, f"{path}.{field}")
            if handler.sleep:
                yield from _sleep(handler.sleep, spec, f"{path}.{field}.sleep.seconds")
    signal = lifecycle.stop_signal
    if signal and not (signal.startswith("SIG") and signal.removeprefix("SIG") in SIGNALS):
        yield Problem(f"{path}.stopSignal", f"{quoted(signal)} is not a signal: write its name, as in SIGTERM")


def _sleep(sleep: SleepAction, spec: PodSpec, path: str) -> Iterator[Problem]:
    grace = max(spec.termination_grace_period_seconds, 0)
    yield from number(path, sleep.seconds, 0, grace, "seconds, the pod's grace period")


def _actions(value: Probe | LifecycleHandler, path: str) -> Iterator[Problem]:
    if value.exec:
        yield from _exec(value.exec, f"{path}.exec.command")
    if value.http_get:
        yield from _http(value.http_get, f"{path}.httpGet")
    if value.tcp_socket:
        yield from _port(value.tcp_socket.port, f"{path}.tcpSocket.port")


def _exec(action: ExecAction, path: str) -> Iterator[Problem]:
    if not action.command:
        yield Problem(path, "a command is needed")
    for index, text in enumerate(action.command):
        yield from no_nul(f"{path}[{index}]", text)


def _http(action: HttpGetAction, path: str) -> Iterator[Problem]:
    yield from _port(action.port, f"{path}.port")
    yield from one_of(f"{path}.scheme", action.scheme, ("HTTP", "HTTPS"))
    for index, header in enumerate(action.http_headers):
        where = f"{path}.httpHeaders[{index}]"
        if not _HEADER.fullmatch(header.name):
            yield Problem(f"{where}.name", f"{quoted(header.name)} is not a header's name: letters, digits and '-'")
        if any(letter in header.value for letter in "\0\r\n"):
            yield Problem(f"{where}.value", "a header's value is one line")


def _port(port: int | str, path: str) -> Iterator[Problem]:
    if isinstance(port, str):
        yield from port_name(path, port)
    else:
        yield from port_number(path, port)
