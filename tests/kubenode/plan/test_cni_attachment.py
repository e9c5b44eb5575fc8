"""An attachment: as it is wanted, or what makes it so."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kubenode.model.cni_changes import Attached
from kubenode.plan.cni_attachment import Link, Seen, differs, plan_absent, plan_present

WANTED = Attached(
    network="net",
    container_id="c1",
    ifname="eth0",
    netns="/run/netns/c1",
    args={"IgnoreUnknown": "1"},
    capability_args={"mac": "02:00:00:00:00:01"},
    config={"name": "net", "mtu": 1500},
)
LINK = Link(expected=True, mac="0a:58:0a:00:00:01", found="0A:58:0a:00:00:01")
SEEN = Seen(cached=WANTED, link=LINK)


def changed(**more: Any) -> Seen:
    return replace(SEEN, cached=replace(WANTED, **more))


CASES: dict[str, tuple[Seen, str]] = {
    "its args": (changed(args={}), "its args differ"),
    "its capability arguments": (changed(capability_args={"mac": "x"}), "its capability_args differ"),
    "its network": (changed(config={"name": "net"}), "its config differs"),
    "its namespace": (
        replace(changed(netns="/run/netns/old"), same_netns=False, link=Link(expected=True)),
        "its network namespace is /run/netns/old",
    ),
    "no interface": (replace(SEEN, link=replace(LINK, found=None)), "the namespace has no interface eth0"),
    "another interface": (replace(SEEN, link=replace(LINK, found="aa")), "the namespace has another interface eth0"),
    "CHECK": (replace(SEEN, check_failure="CHECK failed."), "CHECK failed."),
    "a killed ADD": (changed(unfinished=True), "an ADD of it was killed"),
}


@pytest.mark.parametrize("case", CASES)
def test_what_differs_is_detached_and_attached_anew(case: str) -> None:
    seen, why = CASES[case]
    plan = plan_present(WANTED, seen)
    assert [action.verb for action in plan.actions] == [
        "detach c1 eth0 from network net",
        "attach c1 eth0 to network net",
    ]
    assert plan.actions[0].why == why
    assert plan.before != plan.after


@pytest.mark.parametrize(
    "seen",
    [
        SEEN,
        replace(SEEN, link=Link()),
        replace(SEEN, link=replace(LINK, mac="")),
        changed(config=None),
        changed(args={"IgnoreUnknown": "1"}),
    ],
)
def test_what_is_as_it_should_be_stays(seen: Seen) -> None:
    plan = plan_present(WANTED, seen)
    assert (plan.actions, differs(WANTED, seen)) == ((), False)


def test_one_difference_is_one_field() -> None:
    plan = plan_present(WANTED, changed(args={}))
    assert plan.before is not None
    assert plan.after is not None
    assert [key for key in plan.after if plan.after[key] != plan.before[key]] == ["args"]


def test_what_is_not_there_is_attached() -> None:
    plan = plan_present(WANTED, Seen())
    assert [action.verb for action in plan.actions] == ["attach c1 eth0 to network net"]
    assert plan.before is None


def test_what_is_there_is_detached_once() -> None:
    (detach,) = plan_absent(WANTED).actions
    assert (detach.verb, detach.why) == ("detach c1 eth0 from network net", "it should not be attached")
    assert plan_absent(replace(WANTED, unfinished=True)).actions[0].why == "an ADD of it was killed"
    assert plan_absent(None).actions == ()


def test_an_interface_is_recognised_by_its_address_alone() -> None:
    assert LINK.recognised
    assert not replace(LINK, mac="").recognised
    assert not replace(LINK, found=None).recognised
