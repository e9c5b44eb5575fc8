"""A container as text for people, in the order of `kubectl describe pod`. A Secret's value is nowhere at hand here."""

from __future__ import annotations

from collections.abc import Iterator

from kubenode.model.pod import Container, EnvFromSource, EnvVar, EnvVarSource, KeySelector
from kubenode.model.probes import ExecAction, GrpcAction, HttpGetAction, Probe, SleepAction, TcpSocketAction, handler_of
from kubenode.model.schema import Quantity
from kubenode.model.status import ContainerStatus, Exit, Kind
from kubenode.model.volumes import VolumeMount
from kubenode.plan.v1 import timestamp

NONE = "<none>"
WIDTH = 16
# What a shell adds to a signal's number.
BY_SIGNAL = 128
SIGNALS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 6: "SIGABRT", 9: "SIGKILL", 11: "SIGSEGV", 15: "SIGTERM"}


def container_lines(manifest: Container, status: ContainerStatus) -> Iterator[str]:
    """One container of a pod."""
    yield f"  {status.name}:{' (sidecar)' if status.kind is Kind.SIDECAR else ''}"
    yield _field("Container ID:", status.container_id)
    yield _field("Image:", status.image or manifest.image)
    yield _field("Image ID:", status.image_id)
    yield from _ports(manifest)
    yield from _words("Command:", manifest.command)
    yield from _words("Args:", manifest.args)
    yield from _state(status)
    if status.last is not None:
        yield _field("Last State:", "Terminated")
        yield from _exit(status.last)
    yield _field("Ready:", str(status.ready))
    yield _field("Restart Count:", str(status.restarts))
    yield from _quantities("Limits:", manifest.resources.limits)
    yield from _quantities("Requests:", manifest.resources.requests)
    for title, probe in (
        ("Liveness:", manifest.liveness_probe),
        ("Readiness:", manifest.readiness_probe),
        ("Startup:", manifest.startup_probe),
    ):
        if probe is not None:
            yield _field(title, probe_line(probe))
    yield from _environment(manifest)
    yield from _mounts(manifest.volume_mounts)


def probe_line(probe: Probe) -> str:
    """What is asked, and how often."""
    return (
        f"{_check(probe)} delay={probe.initial_delay_seconds}s timeout={probe.timeout_seconds}s "
        f"period={probe.period_seconds}s #success={probe.success_threshold} #failure={probe.failure_threshold}"
    )


def _check(probe: Probe) -> str:
    match handler_of(probe):
        case ExecAction(command=command):
            return f"exec [{' '.join(command)}]"
        case HttpGetAction() as action:
            return f"http-get {action.scheme.lower()}://{action.host}:{action.port}{action.path}"
        case TcpSocketAction() as action:
            return f"tcp-socket {action.host}:{action.port}"
        case GrpcAction() as action:
            return f"grpc :{action.port} {action.service}".rstrip()
        case SleepAction(seconds=seconds):
            return f"sleep {seconds}s"
    return "unknown"


def _ports(manifest: Container) -> Iterator[str]:
    if not manifest.ports:
        yield _field("Port:", NONE)
        return
    ports = (f"{one.container_port}/{one.protocol}{f' ({one.name})' if one.name else ''}" for one in manifest.ports)
    yield _field("Ports:" if len(manifest.ports) > 1 else "Port:", ", ".join(ports))
    hosts = [f"{one.host_port}/{one.protocol}" for one in manifest.ports if one.host_port]
    if hosts:
        yield _field("Host Ports:" if len(hosts) > 1 else "Host Port:", ", ".join(hosts))


def _words(title: str, words: list[str]) -> Iterator[str]:
    if words:
        yield _field(title, "")
    for word in words:
        for line in word.splitlines() or [""]:
            yield f"      {line}"


def _state(status: ContainerStatus) -> Iterator[str]:
    yield _field("State:", status.state.capitalize())
    if status.state == "running":
        yield _detail("Started:", timestamp(status.started_at))
    elif status.state == "waiting":
        yield from _said(status.reason, status.message)
    else:
        end = Exit(
            exit_code=status.exit_code,
            reason=status.reason,
            message=status.message,
            started_at=status.started_at,
            finished_at=status.finished_at,
        )
        yield from _exit(end)


def _said(reason: str, message: str) -> Iterator[str]:
    if reason:
        yield _detail("Reason:", reason)
    if message:
        yield _detail("Message:", " ".join(message.split()))


def _exit(end: Exit) -> Iterator[str]:
    yield from _said(end.reason, end.message)
    number = end.exit_code - BY_SIGNAL
    signal = f" (signal {number}{f', {SIGNALS[number]}' if number in SIGNALS else ''})" if 0 < number < 65 else ""
    yield _detail("Exit Code:", f"{end.exit_code}{signal}")
    yield _detail("Started:", timestamp(end.started_at))
    yield _detail("Finished:", timestamp(end.finished_at))


def _quantities(title: str, quantities: dict[str, Quantity]) -> Iterator[str]:
    if quantities:
        yield _field(title, "")
    for name, value in sorted(quantities.items()):
        yield f"      {name + ':':<10} {value}"


def _environment(manifest: Container) -> Iterator[str]:
    if manifest.env_from:
        yield _field("Environment Variables from:", "")
    for source in manifest.env_from:
        yield f"      {_env_from(source)}"
    yield _field("Environment:", "" if manifest.env else NONE)
    for variable in manifest.env:
        yield f"      {variable.name + ':':<12} {_env(variable)}".rstrip()


def _env_from(source: EnvFromSource) -> str:
    kind, reference = ("ConfigMap", source.config_map_ref) if source.config_map_ref else ("Secret", source.secret_ref)
    if reference is None:
        return NONE
    prefix = f" with prefix '{source.prefix}'" if source.prefix else ""
    return f"{reference.name} ({kind}){prefix}  Optional: {str(reference.optional).lower()}"


def _env(variable: EnvVar) -> str:
    source = variable.value_from
    return " ".join(variable.value.split()) if source is None else _env_source(source)


def _env_source(source: EnvVarSource) -> str:
    for kind, selector in (("secret", source.secret_key_ref), ("config map", source.config_map_key_ref)):
        if selector is not None:
            return _key_of(kind, selector)
    if source.field_ref is not None:
        return f"<set to the field '{source.field_ref.field_path}' of the pod>"
    if source.resource_field_ref is not None:
        field = source.resource_field_ref
        return f"<set to '{field.resource}' of {field.container_name or 'this container'}>"
    return NONE


def _key_of(kind: str, selector: KeySelector) -> str:
    optional = f"  Optional: {str(selector.optional).lower()}"
    return f"<set to the key '{selector.key}' in {kind} '{selector.name}'>{optional}"


def _mounts(mounts: list[VolumeMount]) -> Iterator[str]:
    yield _field("Mounts:", "" if mounts else NONE)
    for mount in sorted(mounts, key=lambda one: one.mount_path):
        part = mount.sub_path or mount.sub_path_expr
        path = f",path={part!r}" if part else ""
        yield f"      {mount.mount_path} from {mount.name} ({'ro' if mount.read_only else 'rw'}{path})"


def _field(title: str, value: str) -> str:
    return f"    {title:<{WIDTH}} {value}".rstrip()


def _detail(title: str, value: str) -> str:
    return f"      {title:<{WIDTH - 2}} {value}".rstrip()
