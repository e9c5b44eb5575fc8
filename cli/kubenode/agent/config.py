"""Reading the agent's configuration file into settings, with an error that names field and line."""

from __future__ import annotations

import difflib
import os
import re
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from kubenode.clients.errors import KubenodeError
from kubenode.model.duration import parse_duration
from kubenode.model.names import DNS_SUBDOMAIN
from kubenode.model.quantity import parse_quantity
from kubenode.model.settings import (
    DEFAULT_EVICTION_HARD,
    KUBELET_API_VERSION,
    KUBENODE_API_VERSION,
    UNSUPPORTED_FIELDS,
    KubeletConfiguration,
    KubenodeConfiguration,
    Settings,
    split_unsupported,
)
from kubenode.model.settings_rules import resource_problems, resource_warnings
from kubenode.plan.sysctls import sysctl_namespace

_Section = TypeVar("_Section", KubeletConfiguration, KubenodeConfiguration)

DEFAULT_PATH = Path("/etc/kubenode/config.yaml")
PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?%")
UNKNOWN_FIELD = re.compile(r"Object contains unknown field `(?P<name>[^`]*)`")


class ConfigurationError(KubenodeError):
    """The configuration file cannot be used; says which file, which field, and what to write."""


def load(path: Path) -> Settings:
    """The settings of this node. Raises ConfigurationError."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error.strerror}. Name the agent's configuration file with --config."
        ) from None
    return settings_of(path, data)


def settings_of(path: Path, data: bytes) -> Settings:
    """The settings that this content of the file makes. Raises ConfigurationError."""
    kubelet: dict[str, Any] = {}
    kubenode: dict[str, Any] = {}
    for document in _documents(path, data):
        match document.get("apiVersion"), document.get("kind"):
            case (str(version), "KubeletConfiguration") if version == KUBELET_API_VERSION:
                kubelet = document
            case (str(version), "KubenodeConfiguration") if version == KUBENODE_API_VERSION:
                kubenode = document
            case version, kind:
                raise ConfigurationError(
                    f"{path}: a document of kind {kind!r}, version {version!r}: write a KubeletConfiguration of "
                    f"{KUBELET_API_VERSION} or a KubenodeConfiguration of {KUBENODE_API_VERSION}"
                )
    supported, unsupported = split_unsupported(kubelet)
    configuration = _section(path, supported, KubeletConfiguration)
    warnings = [f"{name} has no effect in this version" for name in unsupported]
    settings = Settings(
        kubelet=configuration,
        kubenode=_section(path, kubenode, KubenodeConfiguration),
        node_name=_node_name(path, kubenode),
        memory_capacity=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        warnings=tuple(f"{path}: {warning}" for warning in (*warnings, *resource_warnings(configuration))),
    )
    _check(path, settings)
    return settings


def _documents(path: Path, data: bytes) -> list[dict[str, Any]]:
    try:
        documents = list(yaml.load_all(data, yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigurationError(f"{path}{line}: not YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError, ValueError, LookupError, AttributeError) as error:
        raise ConfigurationError(f"{path}: not YAML: {' '.join(str(error).split())}") from None
    found = [document for document in documents if document is not None]
    if not found or not all(isinstance(document, dict) for document in found):
        raise ConfigurationError(f"{path}: holds no KubeletConfiguration: write one, kind and apiVersion first")
    return found


def _section(path: Path, document: dict[str, Any], kind: type[_Section]) -> _Section:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as error:
        text = UNKNOWN_FIELD.sub(lambda match: _no_field(match["name"], kind), str(error)).replace("`", "")
        raise ConfigurationError(f"{path}: {kind.__name__}: {text}") from None


def _no_field(name: str, kind: type[msgspec.Struct]) -> str:
    known = [field.encode_name for field in msgspec.structs.fields(kind)]
    near = difflib.get_close_matches(name, [*known, *UNSUPPORTED_FIELDS], n=1)
    return f"there is no field {name}" + (f" (did you mean {near[0]}?)" if near else "")


def _node_name(path: Path, kubenode: dict[str, Any]) -> str:
    name = str(kubenode.get("nodeName") or socket.gethostname()).lower()
    if not DNS_SUBDOMAIN.fullmatch(name):
        raise ConfigurationError(f"{path}: {name!r} cannot name a node: set nodeName in the KubenodeConfiguration")
    return name


def _check(path: Path, settings: Settings) -> None:
    kubelet = settings.kubelet
    for field, text in (
        ("fileCheckFrequency", kubelet.file_check_frequency),
        ("httpCheckFrequency", kubelet.http_check_frequency),
        ("syncFrequency", kubelet.sync_frequency),
        ("runtimeRequestTimeout", kubelet.runtime_request_timeout),
        ("crashLoopBackOff.maxContainerRestartPeriod", kubelet.crash_loop_back_off.max_container_restart_period),
    ):
        _positive_duration(path, field, text)
    _check_numbers(path, settings)
    _check_directories(path, settings)
    _check_pods_surroundings(path, kubelet)
    for problem in resource_problems(kubelet, settings.kubenode):
        raise ConfigurationError(f"{path}: {problem}")
    if kubelet.cgroup_driver not in ("cgroupfs", "systemd"):
        raise ConfigurationError(
            f"{path}: cgroupDriver: there is no driver {kubelet.cgroup_driver!r}: write cgroupfs or systemd"
        )


def _check_numbers(path: Path, settings: Settings) -> None:
    kubelet = settings.kubelet
    for name, value, least, most in (
        ("maxParallelImagePulls", kubelet.max_parallel_image_pulls, 1, 10_000),
        ("maxParallelPodStarts", settings.kubenode.max_parallel_pod_starts, 1, 10_000),
        ("healthzPort", kubelet.healthz_port, 0, 65_535),
        ("oomScoreAdj", kubelet.oom_score_adj, -1000, 1000),
    ):
        if not least <= value <= most:
            raise ConfigurationError(f"{path}: {name}: {value} is out of range: write {least} to {most}")
    for signal, text in kubelet.eviction_hard.items():
        _threshold(path, signal, text)


def _check_directories(path: Path, settings: Settings) -> None:
    kubelet = settings.kubelet
    for name, directory in (
        ("staticPodPath", kubelet.static_pod_path),
        ("podLogsDir", kubelet.pod_logs_dir),
        ("resolvConf", kubelet.resolv_conf),
        ("rootDirectory", settings.kubenode.root_directory),
        ("runDirectory", settings.kubenode.run_directory),
        ("containerLogsDirectory", settings.kubenode.container_logs_directory),
        ("localObjectsPath", settings.kubenode.local_objects_path),
    ):
        if directory and not Path(directory).is_absolute():
            raise ConfigurationError(f"{path}: {name}: {directory!r} is not absolute: write the path from / on")


def _check_pods_surroundings(path: Path, kubelet: KubeletConfiguration) -> None:
    """What DNS and sysctls pods get."""
    for server in kubelet.cluster_dns:
        if not _is_address(server):
            raise ConfigurationError(f"{path}: clusterDNS: {server!r} is not an IP address: write the DNS server's")
    domain = kubelet.cluster_domain
    if domain and not DNS_SUBDOMAIN.fullmatch(domain):
        raise ConfigurationError(f"{path}: clusterDomain: {domain!r} is not a domain: write it as cluster.local")
    for pattern in kubelet.allowed_unsafe_sysctls:
        if not sysctl_namespace(pattern):
            raise ConfigurationError(
                f"{path}: allowedUnsafeSysctls: {pattern!r} is not a pod's own: write kernel.sem, or names or patterns "
                "(with * at the end) of kernel.shm, kernel.msg, fs.mqueue. and net."
            )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _threshold(path: Path, signal: str, text: str) -> None:
    if signal not in DEFAULT_EVICTION_HARD:
        known = ", ".join(DEFAULT_EVICTION_HARD)
        raise ConfigurationError(f"{path}: evictionHard: there is no signal {signal}: write one of {known}")
    try:
        good = PERCENTAGE.fullmatch(text) or parse_quantity(text) >= 0
    except ValueError:
        good = False
    if not good:
        raise ConfigurationError(
            f"{path}: evictionHard.{signal}: {text!r} is no threshold: write a quantity such as 100Mi, or 10%"
        )


def _positive_duration(path: Path, field: str, text: str) -> None:
    try:
        seconds = parse_duration(text)
    except ValueError as error:
        raise ConfigurationError(f"{path}: {field}: {error}") from None
    if seconds <= 0:
        raise ConfigurationError(f"{path}: {field}: {text!r} is not longer than nothing: write it as 20s or 1m30s")
