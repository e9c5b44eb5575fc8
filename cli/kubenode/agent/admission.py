"""Which of the desired pods this node takes in, and what it gives them of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Container, Mapping

from kubenode.agent.user_namespaces import UserNamespaces
from kubenode.model.facts import Features
from kubenode.model.names import PodKey
from kubenode.model.pod import all_containers
from kubenode.model.settings import Settings
from kubenode.model.static_pod import DesiredPod
from kubenode.observe.node import node_facts
from kubenode.plan.admission import refusals


class Admission:
    """`features`: what the runtime can do; set once it has said so.

    With `keep` False nothing is written down: it is only a preview.
    """

    def __init__(self, settings: Settings, *, keep: bool = True) -> None:
        self._settings = settings
        self._namespaces = UserNamespaces(settings.state_directory / "user-namespaces.json", keep=keep)
        self.features = Features()

    def admit(self, pods: Mapping[PodKey, DesiredPod]) -> dict[PodKey, DesiredPod]:
        """The pods, those that cannot run here with the reason."""
        refused = refusals(pods, self._settings, node_facts(self._settings))
        alone = {desired.uid: key for key, desired in pods.items() if not desired.pod.spec.host_users}
        users = self._namespaces.assign(alone) if self.features.maps_users else {}
        return {
            key: dataclasses.replace(
                desired,
                refusal=refused.get(key),
                user_namespace=users.get(desired.uid),
                recursive_read_only=self.features.recursive_read_only and _asks_for_it(desired),
            )
            for key, desired in pods.items()
        }

    def left(self, key: PodKey, uids: Container[str]) -> None:
        """Of all pods that were under the key only these are still there, or wanted."""
        self._namespaces.release(key, uids)


def _asks_for_it(desired: DesiredPod) -> bool:
    """No other pod is looked at again when it becomes known what the runtime can do."""
    mounts = (mount for one in all_containers(desired.pod.spec) for mount in one.volume_mounts)
    return any(mount.recursive_read_only for mount in mounts)
