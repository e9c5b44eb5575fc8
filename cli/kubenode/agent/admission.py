"""Which of the desired pods this node takes in."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from kubenode.model.names import PodKey
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.observe.node import node_facts
from kubenode.plan.admission import refusals


def admit(pods: Mapping[PodKey, DesiredPod], settings: Settings) -> dict[PodKey, DesiredPod]:
    """The pods, those that cannot run here with the reason."""
    refused = refusals(pods, settings, node_facts(settings))
    return {key: dataclasses.replace(desired, refusal=refused.get(key)) for key, desired in pods.items()}
