"""What is pulled, pinned and removed: by names, digests and policies."""

from __future__ import annotations

import pytest

from kubenode.model.held_images import FetchImage, HeldImage, PinImage, Remote, RemoveImage, RemoveName, WantedImage
from kubenode.model.specs import RegistryAuth
from kubenode.plan.held_images import ABSENT, UNTOLD, find, foreseen, is_asked, plan_absent, plan_present, state

OLD, NEW = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
ID = f"sha256:{'1' * 64}"
WEB = "registry.example/web:1"
HELD = HeldImage(ID, tags=(WEB,), digests=(f"registry.example/web@{OLD}",), size=10)
HUB = HeldImage(ID, tags=("docker.io/library/busybox:latest",))
TWO = HeldImage(
    ID,
    tags=(WEB, "registry.example/web:2", "other.example/web:1"),
    digests=(f"registry.example/web@{OLD}", f"other.example/web@{OLD}"),
)


@pytest.mark.parametrize(
    ("image", "name", "found"),
    [
        (HELD, WEB, True),
        (HELD, f"registry.example/web@{OLD}", True),
        (HELD, f"registry.example/web:any@{OLD}", True),
        (HELD, f"registry.example/web@{NEW}", False),
        (HELD, "registry.example/web", False),
        (HELD, ID, True),
        (HELD, ID.removeprefix("sha256:"), True),
        (HELD, f"sha256:{'2' * 64}", False),
        (HUB, "busybox", True),
        (HUB, "docker.io/busybox:latest", True),
        (HUB, "busybox:1", False),
    ],
)
def test_an_image_is_found_by_all_that_it_may_be_called(image: HeldImage, name: str, found: bool) -> None:
    assert (find((image,), name) is not None) is found


@pytest.mark.parametrize(
    ("policy", "held", "remote", "pulls"),
    [
        ("IfNotPresent", None, Remote(), True),
        ("IfNotPresent", HELD, Remote(), False),
        ("IfNotPresent", HELD, Remote(digest=NEW), False),
        ("Always", None, Remote(), True),
        ("Always", HELD, Remote(digest=OLD), False),
        ("Always", HELD, Remote(digest=NEW), True),
        ("Always", HELD, Remote(problem="no route"), True),
        ("Never", HELD, Remote(), False),
    ],
)
def test_the_policy_and_the_registry_decide(policy: str, held: HeldImage | None, remote: Remote, pulls: bool) -> None:
    wanted = WantedImage(WEB, policy)
    plan = plan_present(wanted, held, remote if is_asked(wanted, held) else Remote())
    assert [type(action) for action in plan.actions] == ([FetchImage] if pulls else [])
    assert not plan.problem


def test_what_is_missing_and_never_pulled_is_a_problem() -> None:
    plan = plan_present(WantedImage(WEB, "Never"), None)
    assert not plan.actions
    assert "Never" in plan.problem


def test_a_digest_never_moves_and_nobody_is_asked() -> None:
    assert not is_asked(WantedImage(f"registry.example/web@{OLD}", "Always"), HELD)
    assert is_asked(WantedImage(WEB, "Always"), HELD)
    assert not is_asked(WantedImage(WEB, "Always"), None)


def test_an_image_from_elsewhere_has_no_digest_here_and_is_pulled() -> None:
    imported = HeldImage(ID, tags=(WEB,))
    plan = plan_present(WantedImage(WEB, "Always"), imported, Remote(digest=NEW))
    assert [action.why for action in plan.actions] == [f"the tag is {NEW} in the registry, and {ID} here"]


PINNED = HeldImage(ID, tags=(WEB,), digests=HELD.digests, pinned=True)


@pytest.mark.parametrize(
    ("held", "pinned", "remote", "actions"),
    [
        (HELD, True, OLD, [PinImage]),
        (HELD, False, OLD, []),
        (HELD, None, OLD, []),
        (PINNED, True, OLD, []),
        (PINNED, False, OLD, [PinImage]),
        (PINNED, None, OLD, []),
        (None, True, OLD, [FetchImage, PinImage]),
        (None, False, OLD, [FetchImage]),
        (PINNED, True, NEW, [FetchImage, PinImage]),
        (HELD, True, NEW, [FetchImage, PinImage]),
    ],
)
def test_pins_follow_the_name(
    held: HeldImage | None, pinned: bool | None, remote: str, actions: list[type[object]]
) -> None:
    plan = plan_present(WantedImage(WEB, "Always", pinned), held, Remote(digest=remote))
    assert [type(action) for action in plan.actions] == actions


@pytest.mark.parametrize(
    ("held", "name", "all_tags", "expected"),
    [
        (None, WEB, False, []),
        (HELD, WEB, False, ["remove image registry.example/web:1"]),
        (HELD, ID, False, ["remove image registry.example/web:1"]),
        (TWO, WEB, False, ["remove the name registry.example/web:1"]),
        (TWO, WEB, True, ["remove image registry.example/web:1"]),
        (TWO, ID, False, ["remove image registry.example/web:1"]),
        # The digest of a repository goes with the last tag of it.
        (
            TWO,
            "other.example/web:1",
            False,
            ["remove the name other.example/web:1", f"remove the name other.example/web@{OLD}"],
        ),
        (TWO, f"other.example/web@{OLD}", False, [f"remove the name other.example/web@{OLD}"]),
    ],
)
def test_a_name_goes_alone_while_the_image_has_other_tags(
    held: HeldImage | None, name: str, all_tags: bool, expected: list[str]
) -> None:
    plan = plan_absent(name, held, all_tags=all_tags, force=False)
    assert [action.verb for action in plan.actions] == expected


USED = HeldImage(ID, tags=(WEB,), used_by=("shop/web/app",))


@pytest.mark.parametrize(("held", "word"), [(PINNED, "pinned"), (USED, "shop/web/app")])
def test_what_is_needed_is_removed_only_by_force(held: HeldImage, word: str) -> None:
    refused = plan_absent(WEB, held, all_tags=False, force=False)
    assert not refused.actions
    assert word in refused.problem
    forced = plan_absent(WEB, held, all_tags=False, force=True)
    assert [type(action) for action in forced.actions] == [RemoveImage]


def test_a_name_of_several_goes_though_containers_use_the_image() -> None:
    used = HeldImage(ID, tags=TWO.tags, digests=TWO.digests, used_by=("shop/web/app",), pinned=True)
    plan = plan_absent(WEB, used, all_tags=False, force=False)
    assert [type(action) for action in plan.actions] == [RemoveName]


def test_what_a_plan_will_come_to_is_told() -> None:
    fresh = plan_present(WantedImage(WEB, "IfNotPresent"), None)
    assert foreseen(fresh, Remote(digest=NEW), None) == {"digest": NEW}
    assert foreseen(fresh, Remote(problem="no route"), None) == {"digest": UNTOLD}
    pinned = plan_present(WantedImage(WEB, "IfNotPresent", pinned=True), HELD)
    assert foreseen(pinned, Remote(), pinned=True) == {"digest": OLD, "pinned": True}
    assert foreseen(plan_absent(WEB, HELD, all_tags=False, force=False), Remote(), None) == ABSENT
    assert foreseen(plan_absent(WEB, None, all_tags=False, force=False), Remote(), None) == ABSENT
    assert state(HELD, WEB, None) == {"digest": OLD}
    assert state(HELD, ID, pinned=False) == {"digest": ID, "pinned": False}


def test_logins_are_in_no_text_of_an_action() -> None:
    wanted = WantedImage(WEB, "Always", auths=(RegistryAuth("", "user", "secret"),))
    assert "secret" not in repr(plan_present(wanted, None))
