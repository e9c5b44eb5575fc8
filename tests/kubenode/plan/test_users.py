"""Users of a pod's own: no two pods share any, and a pod keeps its own."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.model import names
from kubenode.model.specs import UserNamespace
from kubenode.plan.problems import UnrunnableError
from kubenode.plan.specs import container_spec, sandbox_spec
from kubenode.plan.users import END_HOST_ID, FIRST_HOST_ID, LENGTH, user_namespaces
from support.plans import NODE, desired_pod, settings

OWN_USERS = {"hostUsers": False}
UIDS = st.sets(st.sampled_from([f"uid-{number}" for number in range(30)]))


@given(st.lists(UIDS, max_size=6))
def test_ranges_never_meet_and_stay(turns: list[set[str]]) -> None:
    taken: dict[str, int] = {}
    for uids in turns:
        found = user_namespaces([desired_pod(OWN_USERS, uid) for uid in uids], taken)
        assert found.keys() == uids
        assert all(found[uid].host_id == taken[uid] for uid in uids & taken.keys())
        taken = {**taken, **{uid: users.host_id for uid, users in found.items()}}
        assert len(set(taken.values())) == len(taken)
        assert all(
            FIRST_HOST_ID <= start < END_HOST_ID and (start - FIRST_HOST_ID) % LENGTH == 0 for start in taken.values()
        )


def test_pods_with_the_hosts_users_get_none_and_a_full_node_gives_none() -> None:
    assert user_namespaces([desired_pod()], {}) == {}
    full = {str(start): start for start in range(FIRST_HOST_ID, END_HOST_ID, LENGTH)}
    assert user_namespaces([desired_pod(OWN_USERS)], full) == {}


def test_a_pod_never_runs_as_the_hosts_users_instead() -> None:
    desired = desired_pod(OWN_USERS)
    with pytest.raises(UnrunnableError, match="hostUsers: false") as caught:
        sandbox_spec(desired, 0, settings(), NODE, 0.0)
    assert caught.value.reason == "FailedCreatePodSandBox"
    with pytest.raises(UnrunnableError, match="hostUsers: false"):
        container_spec(desired.pod.spec.containers[0], 0, None, desired, settings(), NODE, ())


def test_sandbox_and_container_have_the_same_users() -> None:
    users = UserNamespace(FIRST_HOST_ID, LENGTH)
    desired = dataclasses.replace(desired_pod(OWN_USERS), user_namespace=users)
    sandbox = sandbox_spec(desired, 0, settings(), NODE, 0.0)
    container = container_spec(desired.pod.spec.containers[0], 0, None, desired, settings(), NODE, ())
    assert sandbox.namespaces.user == container.namespaces.user == users
    assert sandbox.annotations[names.USER_NAMESPACE] == str(FIRST_HOST_ID)
