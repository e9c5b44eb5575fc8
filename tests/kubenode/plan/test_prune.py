"""What is garbage of a runtime, and what only looks like it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kubenode.model.held_images import HeldImage
from kubenode.model.names import PodKey
from kubenode.model.prune import Images, Inventory, PruneContainer, PruneRules, PruneSandbox
from kubenode.plan.prune import prune

NOW = 1000.0
WEB = PruneSandbox(id="s1", key=PodKey("shop", "web"), uid="u1", ready=True, created_at=100, kept=False)
RUNS = PruneContainer(id="c1", name="app", sandbox_id="s1", created_at=100, image="i1")
ENDED = PruneContainer(id="c2", name="job", sandbox_id="s1", created_at=100, ended_at=900, image="i2", log_bytes=7)
IMAGES = (HeldImage("i1", tags=("r.example/one:1",), size=10), HeldImage("i2", tags=("r.example/two:1",), size=20))
ALL = PruneRules(containers=True, pods=True, images=Images.UNUSED)


def there(
    *containers: PruneContainer, sandboxes: tuple[PruneSandbox, ...] = (WEB,), images: tuple[HeldImage, ...] = ()
) -> Inventory:
    return Inventory(sandboxes, containers, images)


def ids(inventory: Inventory, rules: PruneRules) -> list[str]:
    return [action.id for action in prune(inventory, rules, NOW)]


def test_nothing_is_garbage_where_all_runs() -> None:
    assert ids(there(RUNS, images=IMAGES[:1]), ALL) == []


def test_an_ended_container_goes_and_then_its_image() -> None:
    actions = prune(there(RUNS, ENDED, images=IMAGES), ALL, NOW)
    assert [(action.kind, action.id, action.size) for action in actions] == [
        ("container", "c2", 7),
        ("image", "i2", 20),
    ]


def test_only_what_is_chosen_goes() -> None:
    inventory = there(RUNS, ENDED, images=IMAGES)
    assert ids(inventory, PruneRules(pods=True)) == []
    assert ids(inventory, PruneRules(images=Images.UNUSED)) == []
    assert ids(inventory, PruneRules(containers=True)) == ["c2"]


@pytest.mark.parametrize(("older_than", "expected"), [(0, ["c2"]), (100, ["c2"]), (101, [])])
def test_age_counts_from_the_end(older_than: float, expected: list[str]) -> None:
    assert ids(there(ENDED), PruneRules(containers=True, older_than=older_than)) == expected


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (PruneRules(containers=True, namespaces=frozenset({"shop"})), ["c2"]),
        (PruneRules(containers=True, namespaces=frozenset({"other"})), []),
        (PruneRules(containers=True, labels={"app": "web"}), ["c2"]),
        (PruneRules(containers=True, labels={"app": "web", "tier": "x"}), []),
    ],
)
def test_pods_are_chosen_by_namespace_and_labels(rules: PruneRules, expected: list[str]) -> None:
    assert ids(there(ENDED, sandboxes=(replace(WEB, labels={"app": "web"}),)), rules) == expected


def runs(count: int, sandbox: str = "s1") -> list[PruneContainer]:
    return [
        PruneContainer(id=f"r{n}", name="app", sandbox_id=sandbox, created_at=100 + n, ended_at=100 + n)
        for n in range(count)
    ]


@pytest.mark.parametrize(("keep", "expected"), [(0, ["r0", "r1", "r2"]), (1, ["r0", "r1"]), (3, [])])
def test_of_a_pod_that_is_kept_the_last_runs_stay(keep: int, expected: list[str]) -> None:
    kept = (replace(WEB, kept=True),)
    assert ids(there(*runs(3), sandboxes=kept), PruneRules(containers=True, keep_per_container=keep)) == expected


STOPPED = replace(WEB, id="s0", ready=False, created_at=50)


def test_a_stopped_sandbox_goes_with_what_is_in_it() -> None:
    assert ids(there(replace(ENDED, sandbox_id="s0"), sandboxes=(STOPPED,)), PruneRules(pods=True)) == ["c2", "s0"]


def test_a_stopped_sandbox_with_something_that_may_run_stays() -> None:
    inventory = there(replace(RUNS, sandbox_id="s0"), replace(ENDED, sandbox_id="s0"), sandboxes=(STOPPED,))
    assert ids(inventory, PruneRules(pods=True)) == []
    assert ids(inventory, PruneRules(pods=True, containers=True)) == ["c2"]


def test_the_last_sandbox_of_a_pod_that_is_kept_is_its_agents() -> None:
    old, new = replace(STOPPED, kept=True), replace(WEB, kept=True, ready=False)
    assert ids(there(sandboxes=(old, new)), PruneRules(pods=True)) == ["s0"]
    assert ids(there(sandboxes=(old,)), PruneRules(pods=True)) == []


def test_of_a_pod_that_is_kept_an_old_sandbox_stays_with_its_last_runs() -> None:
    old, new = replace(STOPPED, kept=True), replace(WEB, kept=True)
    inventory = there(*runs(2, "s0"), sandboxes=(old, new))
    assert ids(inventory, ALL) == ["r0"]


@pytest.mark.parametrize(
    "image",
    [
        HeldImage("i3", tags=("r.example/three:1",), pinned=True),
        HeldImage("i3", tags=("r.example/release/three:1",)),
        HeldImage("i3", tags=("docker.io/library/kept:1",)),
        HeldImage("i3", tags=("r.example/pause:1",)),
    ],
)
def test_images_that_are_needed_stay(image: HeldImage) -> None:
    inventory = replace(there(images=(image,)), needed_images=frozenset({"r.example/pause:1"}))
    rules = PruneRules(images=Images.UNUSED, keep_images=("r.example/release/*", "kept:*"))
    assert ids(inventory, rules) == []


def test_dangling_images_are_those_without_a_tag() -> None:
    inventory = there(images=(*IMAGES, HeldImage("i3", digests=(f"r.example/three@sha256:{'a' * 64}",))))
    assert ids(inventory, PruneRules(images=Images.DANGLING)) == ["i3"]
    assert ids(inventory, PruneRules(images=Images.UNUSED)) == ["i1", "i2", "i3"]


def test_an_image_of_unknown_age_is_as_new() -> None:
    inventory = replace(there(images=IMAGES), image_times={"i1": 100.0})
    assert ids(inventory, PruneRules(images=Images.UNUSED, older_than=500)) == ["i1"]
    assert ids(inventory, PruneRules(images=Images.UNUSED, older_than=950)) == []
