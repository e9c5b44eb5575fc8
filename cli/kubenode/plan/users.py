"""Which of the host's users a pod with hostUsers: false runs as: a range of its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from kubenode.model.specs import UserNamespace
from kubenode.model.static_pod import DesiredPod

# A pod's users are 16 bits, as the kubelet gives them.
LENGTH = 65_536
# Of what systemd's register of users leaves free: above those for other containers, below its foreign ones.
FIRST_HOST_ID, END_HOST_ID = 0x7000_0000, 0x7FFE_0000


def user_namespaces(pods: Iterable[DesiredPod], taken: Mapping[str, int]) -> dict[str, UserNamespace]:
    """By UID, for the pods that want users of their own; one that has a range keeps it.

    taken: first host ids by the UIDs of all pods that were given a range and are not gone: those of sandboxes that are
    still there (annotation names.USER_NAMESPACE), and those that this function gave before. When no range is left a
    pod gets none.
    """
    given = dict(taken)
    used = set(taken.values())
    free = iter(range(FIRST_HOST_ID, END_HOST_ID, LENGTH))
    wanting = sorted(pod.uid for pod in pods if not pod.pod.spec.host_users)
    for uid in wanting:
        if uid not in given and (start := next((one for one in free if one not in used), None)) is not None:
            given[uid] = start
    return {uid: UserNamespace(given[uid], LENGTH) for uid in wanting if uid in given}
