"""What a name on the command line stands for."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubenode.agent.naming import AmbiguousName, NamedPod, Target, UnknownName, completions, resolve
from kubenode.model.names import PodKey

NODE = "node1"


def named(text: str, *containers: str) -> NamedPod:
    namespace, name = text.split("/")
    return NamedPod(PodKey(namespace, name), containers)


PODS = [
    named("default/web-node1", "app", "proxy"),
    named("default/db", "db"),
    named("kube-system/etcd-node1", "etcd"),
    named("kube-system/coredns-7f9", "coredns"),
    named("team/db", "db"),
    named("team/plain", "web"),
    named("team/plain-node1", "web"),
]


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("web", "default/web-node1"),
        ("web-node1", "default/web-node1"),
        ("default/web", "default/web-node1"),
        ("web/app", "default/web-node1/app"),
        ("web-node1/proxy", "default/web-node1/proxy"),
        ("default/web/proxy", "default/web-node1/proxy"),
        ("kube-system/etcd", "kube-system/etcd-node1"),
        ("kube-system/etcd/etcd", "kube-system/etcd-node1/etcd"),
        ("coredns-7f9", "kube-system/coredns-7f9"),
        ("team/db", "team/db"),
        ("team/db/db", "team/db/db"),
        ("plain", "team/plain"),
        ("plain-node1", "team/plain-node1"),
    ],
)
def test_short_and_full_names_find_the_one_they_mean(text: str, full: str) -> None:
    assert str(resolve(text, PODS, NODE)) == full


def test_a_name_of_several_lists_them_all() -> None:
    with pytest.raises(AmbiguousName, match=r"^db may be any of default/db, team/db\. Write the one you mean in full"):
        resolve("db", PODS, NODE)
    with pytest.raises(AmbiguousName, match=r"default/db/db, team/db/db"):
        resolve("db/db", PODS, NODE)


def test_two_parts_that_can_be_read_both_ways_are_ambiguous() -> None:
    pods = [named("web/app", "one"), named("default/web", "app")]
    with pytest.raises(AmbiguousName, match=r"default/web/app, web/app\."):
        resolve("web/app", pods)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("wep", "There is no pod wep on this node. Did you mean web"),
        ("kube-system/web", "There is no pod kube-system/web on this node."),
        ("zzzzzz", "There is no pod zzzzzz on this node. kubenode pods lists them."),
        ("web/nginx", "Pod default/web-node1 has no container nginx. Its containers: app, proxy."),
        ("default/web/nginx", "Pod default/web-node1 has no container nginx."),
        ("", "'' names no pod. Write POD"),
        ("a//b", "names no pod"),
        ("a/b/c/d", "names no pod"),
    ],
)
def test_a_name_that_nobody_has(text: str, said: str) -> None:
    with pytest.raises(UnknownName) as raised:
        resolve(text, PODS, NODE)
    assert str(raised.value).startswith(said) or said in str(raised.value)


def test_the_end_of_a_name_is_left_out_only_for_this_node() -> None:
    with pytest.raises(UnknownName):
        resolve("web", PODS, "node2")
    with pytest.raises(UnknownName):
        resolve("web", PODS)


def test_completions_are_short_and_grow_with_what_is_written() -> None:
    assert completions("we", PODS, NODE) == ["web", "web/app", "web/proxy"]
    assert completions("etcd", PODS, NODE) == ["etcd"]
    assert completions("default/", PODS, NODE) == [
        "default/db",
        "default/web-node1",
        "default/web-node1/app",
        "default/web-node1/proxy",
    ]
    assert completions("db", PODS, NODE) == []
    assert completions("nothing", PODS, NODE) == []


LABEL = st.sampled_from(["a", "b", "a-n", "b-n", "c"])
SOME_PODS = st.lists(
    st.builds(
        lambda namespace, name, containers: NamedPod(PodKey(namespace, name), tuple(sorted(containers))),
        LABEL,
        LABEL,
        st.sets(LABEL, max_size=2),
    ),
    max_size=6,
    unique_by=lambda pod: pod.key,
)


@given(SOME_PODS)
def test_a_full_name_never_means_another_pod_and_completions_can_all_be_used(pods: list[NamedPod]) -> None:
    keys = {pod.key for pod in pods}
    for pod in pods:
        assert str(pod.key) in completions("", pods, "n") or any(pod.key.namespace in other.key.name for other in pods)
        for container in pod.containers:
            assert resolve(f"{pod.key}/{container}", pods, "n") == Target(pod.key, container)
    assert all(resolve(text, pods, "n").key in keys for text in completions("", pods, "n"))
