"""The runtime's pods and containers as one list, whoever made them."""

from __future__ import annotations

from collections.abc import Mapping

from kubenode.model.reports import Report


class ListedContainer(Report, frozen=True, kw_only=True):
    """`state`: created, running, exited or unknown. `image` as it was asked for, `image_ref` as the runtime keeps it.

    `created_at`: seconds since the epoch.
    """

    id: str
    name: str
    attempt: int
    state: str
    image: str
    image_ref: str
    created_at: float
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


class ListedPod(Report, frozen=True, kw_only=True):
    """`state`: ready or notready, that of the sandbox. `ips` only of one that is ready and has a network of its own."""

    namespace: str
    name: str
    uid: str
    id: str
    attempt: int
    state: str
    created_at: float
    runtime_handler: str
    ips: tuple[str, ...]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    containers: tuple[ListedContainer, ...]


class Listing(Report, frozen=True, kw_only=True):
    """Pods by namespace and name, with their containers, the oldest first.

    Of pods of one name only the newest is there, of a container only its newest attempt. `endpoint` is the runtime's.
    """

    endpoint: str
    pods: tuple[ListedPod, ...]
