"""The rules of a KubeletConfiguration's values, as the kubelet has them. What feature gates allow is not known here.

Fields that are not there have their defaults; so has a 0 or an empty text where the kubelet cannot tell it from none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from kubenode.model.duration import parse_duration
from kubenode.model.names import DNS_SUBDOMAIN
from kubenode.model.quantity import parse_quantity

PERCENTAGE = re.compile(r"[0-9]{1,3}(\.[0-9]+)?%")
CPU_LIST = re.compile(r"[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*")


class Problem(NamedTuple):
    """`message` says what is wrong and what to write; it quotes no secret."""

    field: str
    message: str


DURATIONS = (
    "authentication.webhook.cacheTTL authorization.webhook.cacheAuthorizedTTL "
    "authorization.webhook.cacheUnauthorizedTTL containerLogMonitorInterval cpuCFSQuotaPeriod "
    "cpuManagerReconcilePeriod crashLoopBackOff.maxContainerRestartPeriod draManagerReconcilePeriod "
    "evictionPressureTransitionPeriod fileCheckFrequency httpCheckFrequency imageMaximumGCAge imageMinimumGCAge "
    "nodeStatusReportFrequency nodeStatusUpdateFrequency runtimeRequestTimeout shutdownGracePeriod "
    "shutdownGracePeriodCriticalPods streamingConnectionIdleTimeout syncFrequency volumeStatsAggPeriod"
).split()
# Seconds, least and most.
DURATION_RANGES = {
    "containerLogMonitorInterval": (3.0, None),
    "cpuCFSQuotaPeriod": (0.001, 1.0),
    "crashLoopBackOff.maxContainerRestartPeriod": (1.0, 300.0),
}
PORT = 65_535
RANGES: dict[str, tuple[int, int | None]] = {
    "containerLogMaxFiles": (2, None),
    "containerLogMaxWorkers": (1, None),
    "eventBurst": (0, None),
    "eventRecordQPS": (0, None),
    "evictionMaxPodGracePeriod": (0, None),
    "healthzPort": (0, PORT),
    "imageGCHighThresholdPercent": (0, 100),
    "imageGCLowThresholdPercent": (0, 100),
    "iptablesDropBit": (0, 31),
    "iptablesMasqueradeBit": (0, 31),
    "kubeAPIBurst": (0, None),
    "kubeAPIQPS": (0, None),
    "maxOpenFiles": (0, None),
    "maxParallelImagePulls": (1, None),
    "maxPods": (0, None),
    "nodeLeaseDurationSeconds": (0, None),
    "nodeStatusMaxImages": (-1, None),
    "oomScoreAdj": (-1000, 1000),
    "podPidsLimit": (-1, None),
    "podsPerCore": (0, None),
    "port": (0, PORT),
    "readOnlyPort": (0, PORT),
    "registryBurst": (0, None),
    "registryPullQPS": (0, None),
    "tracing.samplingRatePerMillion": (0, 1_000_000),
}
CHOICES: dict[str, tuple[str, ...]] = {
    "authorization.mode": ("AlwaysAllow", "Webhook"),
    "cgroupDriver": ("cgroupfs", "systemd"),
    "configMapAndSecretChangeDetectionStrategy": ("Get", "Cache", "Watch"),
    "cpuManagerPolicy": ("none", "static"),
    "hairpinMode": ("promiscuous-bridge", "hairpin-veth", "none"),
    "imagePullCredentialsVerificationPolicy": (
        *("NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"),
    ),
    "logging.format": ("text", "json"),
    "memoryManagerPolicy": ("None", "Static"),
    "memoryReservationPolicy": ("None", "TieredReservation"),
    "memorySwap.swapBehavior": ("NoSwap", "LimitedSwap"),
    "tlsMinVersion": ("VersionTLS10", "VersionTLS11", "VersionTLS12", "VersionTLS13"),
    "topologyManagerPolicy": ("none", "best-effort", "restricted", "single-numa-node"),
    "topologyManagerScope": ("container", "pod"),
}
ADDRESSES = ("address", "healthzBindAddress")
ABSOLUTE = ("podLogsDir",)
SIGNALS = (
    *("memory.available", "allocatableMemory.available", "nodefs.available", "nodefs.inodesFree"),
    *("imagefs.available", "imagefs.inodesFree", "containerfs.available", "containerfs.inodesFree", "pid.available"),
)
RESERVABLE = ("cpu", "memory", "ephemeral-storage", "pid")
ENFORCEMENTS = {
    "pods": "",
    "system-reserved": "systemReservedCgroup",
    "system-reserved-compressible": "systemReservedCgroup",
    "kube-reserved": "kubeReservedCgroup",
    "kube-reserved-compressible": "kubeReservedCgroup",
    "none": "",
}
TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def problems(fields: Mapping[str, Any]) -> Iterator[Problem]:
    """All that the kubelet would refuse, or not understand, in fields of the right types."""
    yield from _durations(fields)
    yield from _ranges(fields)
    yield from _choices(fields)
    yield from _addresses(fields)
    yield from _eviction(fields)
    yield from _reserved(fields)
    yield from _enforced(fields)
    yield from _images(fields)
    yield from _shutdown(fields)
    yield from _others(fields)


def at(fields: Mapping[str, Any], path: str) -> Any:
    """The value at a path of fields, None where there is none."""
    value: Any = fields
    for name in path.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def _durations(fields: Mapping[str, Any]) -> Iterator[Problem]:
    for path in DURATIONS:
        text = at(fields, path)
        if text is None:
            continue
        seconds = _seconds(text)
        if seconds is None:
            yield Problem(path, f"{text!r} is not a duration: write it as 20s, 1m30s or 100ms")
            continue
        least, most = DURATION_RANGES.get(path, (0.0, None))
        if seconds < least or (most is not None and seconds > most):
            wanted = f"{_shown(least)} to {_shown(most)}" if most is not None else f"{_shown(least)} or more"
            yield Problem(path, f"{text!r} is out of range: write {wanted}")


def _seconds(text: Any) -> float | None:
    try:
        return parse_duration(str(text))
    except ValueError:
        return None


def _shown(seconds: float) -> str:
    return f"{seconds * 1000:g}ms" if 0 < seconds < 1 else f"{seconds:g}s"


def _ranges(fields: Mapping[str, Any]) -> Iterator[Problem]:
    for path, (least, most) in RANGES.items():
        value = at(fields, path)
        if value is not None and (value < least or (most is not None and value > most)):
            wanted = f"{least} to {most}" if most is not None else f"{least} or more"
            yield Problem(path, f"{value} is out of range: write {wanted}")
    factor = fields.get("memoryThrottlingFactor")
    if factor is not None and not 0 < factor <= 1:
        yield Problem("memoryThrottlingFactor", f"{factor} is out of range: write more than 0, and 1 at most")
    ids = at(fields, "userNamespaces.idsPerPod")
    if ids is not None and (ids <= 0 or ids % 65_536 or ids >= 2**32):
        yield Problem("userNamespaces.idsPerPod", f"{ids} is no multiple of 65536: write 65536, 131072 and so on")


def _choices(fields: Mapping[str, Any]) -> Iterator[Problem]:
    for path, known in CHOICES.items():
        value = at(fields, path)
        # The CPU manager takes any case of its words.
        if value and value not in known and value.lower() not in known:
            yield Problem(path, f"there is no {value!r}: write one of {', '.join(known)}")


def _addresses(fields: Mapping[str, Any]) -> Iterator[Problem]:
    for path in ADDRESSES:
        if (text := fields.get(path)) and not _is_address(text):
            yield Problem(path, f"{text!r} is not an IP address: write one, such as 0.0.0.0 for all interfaces")
    for index, text in enumerate(fields.get("clusterDNS", [])):
        if not _is_address(text):
            yield Problem(f"clusterDNS[{index}]", f"{text!r} is not an IP address: write the DNS server's")
    domain = fields.get("clusterDomain")
    if domain and not DNS_SUBDOMAIN.fullmatch(domain.rstrip(".")):
        yield Problem("clusterDomain", f"{domain!r} is not a domain: write it as cluster.local")
    for path in ABSOLUTE:
        if (text := fields.get(path)) and not PurePosixPath(text).is_absolute():
            yield Problem(path, f"{text!r} is not absolute: write the path from / on")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _eviction(fields: Mapping[str, Any]) -> Iterator[Problem]:
    for path in ("evictionHard", "evictionSoft", "evictionSoftGracePeriod", "evictionMinimumReclaim"):
        for signal, text in fields.get(path, {}).items():
            if signal not in SIGNALS:
                yield Problem(f"{path}.{signal}", f"there is no such signal: write one of {', '.join(SIGNALS)}")
            elif path == "evictionSoftGracePeriod":
                if _seconds(text) is None:
                    yield Problem(f"{path}.{signal}", f"{text!r} is not a duration: write it as 30s or 1m30s")
            elif not PERCENTAGE.fullmatch(text) and not _is_amount(text):
                message = f"{text!r} is no threshold: write a quantity such as 100Mi, or 10%"
                yield Problem(f"{path}.{signal}", message)
    soft, grace = fields.get("evictionSoft", {}), fields.get("evictionSoftGracePeriod", {})
    for signal in soft.keys() - grace.keys():
        yield Problem(f"evictionSoft.{signal}", "it has no grace period: write one into evictionSoftGracePeriod")


def _is_amount(text: Any) -> bool:
    try:
        return parse_quantity(text) >= 0
    except ValueError:
        return False


def _reserved(fields: Mapping[str, Any]) -> Iterator[Problem]:
    for path in ("systemReserved", "kubeReserved"):
        for name, amount in fields.get(path, {}).items():
            if name not in RESERVABLE and not name.startswith("hugepages-"):
                known = ", ".join(RESERVABLE)
                yield Problem(f"{path}.{name}", f"there is no such resource to keep: write one of {known}")
            elif not _is_amount(amount):
                yield Problem(f"{path}.{name}", f"{amount!r} is no amount: write it as 500m or 1Gi")
    cpus = fields.get("reservedSystemCPUs")
    if cpus and not CPU_LIST.fullmatch(cpus):
        yield Problem("reservedSystemCPUs", f"{cpus!r} is no list of CPUs: write it as 0-1,4")
    if cpus and (fields.get("systemReservedCgroup") or fields.get("kubeReservedCgroup")):
        yield Problem("reservedSystemCPUs", "it excludes systemReservedCgroup and kubeReservedCgroup: leave one out")
    if fields.get("systemCgroups") and not fields.get("cgroupRoot"):
        yield Problem("systemCgroups", "it needs cgroupRoot: write that too")


def _enforced(fields: Mapping[str, Any]) -> Iterator[Problem]:
    path = "enforceNodeAllocatable"
    names = fields.get(path, ["pods"])
    for name in names:
        if name not in ENFORCEMENTS:
            yield Problem(path, f"there is no {name!r}: write one of {', '.join(ENFORCEMENTS)}")
        elif (needed := ENFORCEMENTS[name]) and not fields.get(needed):
            yield Problem(path, f"{name} needs {needed}: write that too")
    if len(set(names)) < len(names):
        yield Problem(path, "a name stands twice: write each once")
    if "none" in names and len(names) > 1:
        yield Problem(path, "none excludes all others: write none alone")
    for kind in ("system", "kube"):
        if {f"{kind}-reserved", f"{kind}-reserved-compressible"} <= set(names):
            yield Problem(path, f"{kind}-reserved excludes {kind}-reserved-compressible: write one of the two")
    if fields.get("cgroupsPerQOS") is False and set(names) - {"none"}:
        yield Problem("cgroupsPerQOS", "false leaves no cgroup that could be limited: write enforceNodeAllocatable: []")


def _images(fields: Mapping[str, Any]) -> Iterator[Problem]:
    low, high = fields.get("imageGCLowThresholdPercent", 80), fields.get("imageGCHighThresholdPercent", 85)
    if low >= high:
        yield Problem(
            "imageGCLowThresholdPercent", f"{low} is not less than imageGCHighThresholdPercent, {high}: write less"
        )
    oldest, youngest = _seconds(fields.get("imageMaximumGCAge", "0")), _seconds(fields.get("imageMinimumGCAge", "2m"))
    if oldest and youngest is not None and oldest <= youngest:
        yield Problem("imageMaximumGCAge", "it is not longer than imageMinimumGCAge, 2m by default: write more, or 0s")
    size = fields.get("containerLogMaxSize")
    if size and not _is_amount(size):
        yield Problem("containerLogMaxSize", f"{size!r} is no amount: write it as 10Mi")
    allowed = fields.get("preloadedImagesVerificationAllowlist")
    policy = fields.get("imagePullCredentialsVerificationPolicy")
    if allowed and policy != "NeverVerifyAllowlistedImages":
        yield Problem(
            "preloadedImagesVerificationAllowlist",
            "it needs imagePullCredentialsVerificationPolicy: NeverVerifyAllowlistedImages",
        )


def _shutdown(fields: Mapping[str, Any]) -> Iterator[Problem]:
    whole, critical = "shutdownGracePeriod", "shutdownGracePeriodCriticalPods"
    found = {path: _seconds(fields.get(path, "0")) or 0.0 for path in (whole, critical)}
    for path, seconds in found.items():
        if 0 < seconds < 1:
            yield Problem(path, "it is shorter than a second: write 0s, or 1s or more")
    if found[critical] > found[whole]:
        yield Problem(critical, f"it is longer than {whole}, of which it is a part: write less")
    if fields.get("shutdownGracePeriodByPodPriority") and any(found.values()):
        yield Problem("shutdownGracePeriodByPodPriority", f"it excludes {whole} and {critical}: leave one out")


def _others(fields: Mapping[str, Any]) -> Iterator[Problem]:
    if fields.get("runOnce"):
        yield Problem("runOnce", "kubelets refuse it by now: leave it out")
    if fields.get("enableSystemLogQuery") and fields.get("enableSystemLogHandler") is False:
        yield Problem("enableSystemLogQuery", "it needs enableSystemLogHandler: write true there, or leave both out")
    for index, taint in enumerate(fields.get("registerWithTaints", [])):
        if taint["effect"] not in TAINT_EFFECTS:
            known = ", ".join(TAINT_EFFECTS)
            yield Problem(
                f"registerWithTaints[{index}].effect", f"there is no {taint['effect']!r}: write one of {known}"
            )
        if "timeAdded" in taint:
            yield Problem(f"registerWithTaints[{index}].timeAdded", "a kubelet gives it itself: leave it out")
    for index, one in enumerate(fields.get("reservedMemory", [])):
        for name, amount in one["limits"].items():
            if not _is_amount(amount):
                yield Problem(f"reservedMemory[{index}].limits.{name}", f"{amount!r} is no amount: write it as 1Gi")


def problems_of_kubelet(fields: Mapping[str, Any]) -> Iterator[Problem]:
    """What kubenode takes, and the kubelet does not."""
    for path in ("systemReserved", "kubeReserved"):
        for name, amount in fields.get(path, {}).items():
            if not isinstance(amount, str):
                yield Problem(f"{path}.{name}", f"a number: write it in quotes, '{amount}'")
    # Where kubenode's default is false, the kubelet's is true.
    if fields.get("serializeImagePulls", True) and fields.get("maxParallelImagePulls", 1) > 1:
        yield Problem("maxParallelImagePulls", "more than 1 needs serializeImagePulls: false: write that too")
