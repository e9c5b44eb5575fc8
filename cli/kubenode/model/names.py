"""Labels, annotations and names that the kubelet uses, so that crictl, log shippers and dashboards know our pods."""

from __future__ import annotations

import re
from typing import NamedTuple

POD_NAME = "io.kubernetes.pod.name"
POD_NAMESPACE = "io.kubernetes.pod.namespace"
POD_UID = "io.kubernetes.pod.uid"
CONTAINER_NAME = "io.kubernetes.container.name"

CONTAINER_HASH = "io.kubernetes.container.hash"
RESTART_COUNT = "io.kubernetes.container.restartCount"
TERMINATION_MESSAGE_PATH = "io.kubernetes.container.terminationMessagePath"
TERMINATION_MESSAGE_POLICY = "io.kubernetes.container.terminationMessagePolicy"
GRACE_PERIOD = "io.kubernetes.pod.terminationGracePeriod"
PRE_STOP = "io.kubernetes.container.preStopHandler"

CONFIG_SOURCE = "kubernetes.io/config.source"
CONFIG_HASH = "kubernetes.io/config.hash"
CONFIG_SEEN = "kubernetes.io/config.seen"

# Ours alone. The delay in seconds that came before this attempt, so that back-off survives a restart of the agent.
RESTART_BACKOFF = "kubenode.io/restart-backoff-seconds"
# What a pod has outside the runtime, so that it can be removed when its manifest is gone and settings have changed.
LOG_DIRECTORY = "kubenode.io/log-directory"
CGROUP_PARENT = "kubenode.io/cgroup-parent"
POD_STARTED = "kubenode.io/pod-started"
# When a container is stopped with its pod: 0 first, sidecars after, in reverse order of their start.
STOP_ORDER = "kubenode.io/stop-order"
# What a task of the collection made a sandbox or container from, as JSON; values of variables stand there as digests.
DEFINITION = "kubenode.io/definition"

DNS_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
DNS_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")


class PodKey(NamedTuple):
    """What a pod is called on its node. One worker owns a key, whatever UIDs come and go under it."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]{1,100}")


def key_path(path: str, key: str) -> str:
    """The JSON path of a mapping's key: `$.limits.cpu`, or `$.labels['app.kubernetes.io/name']`."""
    return f"{path}.{key}" if _PLAIN_KEY.fullmatch(key) else f"{path}['{key}']"
