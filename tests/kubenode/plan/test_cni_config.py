"""Where a network's file belongs, and what is done to have it there, or not."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.cni_changes import Attached, NetworkFile
from kubenode.plan.cni_config import Wanted, plan_config, refusal, same, versionless

DIRECTORY = "/etc/cni/net.d"


def document(name: str = "pods", **more: Any) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": name, "plugins": [{"type": "bridge"}], **more}


def file(filename: str, name: str = "pods", mode: str = "0600", content: object = None) -> NetworkFile:
    found = content if content is not None else document(name)
    return NetworkFile(path=f"{DIRECTORY}/{filename}", name=name, document=found, mode=mode)


def broken(filename: str) -> NetworkFile:
    return NetworkFile(path=f"{DIRECTORY}/{filename}", name="", document=None, mode="0644")


def wanted(**more: Any) -> Wanted:
    return Wanted(**{"name": "pods", "document": document(), **more})


CASES: dict[str, tuple[Wanted, list[NetworkFile], list[str]]] = {
    "a new one": (wanted(), [], ["write network pods to 10-pods.conflist"]),
    "one of its order": (wanted(order=5), [], ["write network pods to 05-pods.conflist"]),
    "one that is there": (wanted(), [file("77-other-name.conflist")], []),
    "another order": (
        wanted(order=5),
        [file("10-pods.conflist")],
        ["write network pods to 05-pods.conflist", "remove 10-pods.conflist"],
    ),
    "the same order": (wanted(order=10), [file("10-pods.conflist")], []),
    "a single plugin becomes a list": (
        wanted(),
        [file("20-pods.conf", content={"name": "pods", "type": "bridge"})],
        ["write network pods to 20-pods.conflist", "remove 20-pods.conf"],
    ),
    "a second file goes": (
        wanted(),
        [file("10-pods.conflist"), file("20-pods.conflist")],
        ["remove 20-pods.conflist"],
    ),
    "the file's permissions": (
        wanted(),
        [file("10-pods.conflist", mode="0644")],
        ["set the permissions of 10-pods.conflist to 0600"],
    ),
    "a copy first": (
        wanted(backup="/copies", document=document(disableCheck=True)),
        [file("10-pods.conflist"), file("20-pods.conflist")],
        [
            "keep a copy of 10-pods.conflist in /copies",
            "keep a copy of 20-pods.conflist in /copies",
            "write network pods to 10-pods.conflist",
            "remove 20-pods.conflist",
        ],
    ),
    "a broken file": (
        wanted(filename="10-a.conflist"),
        [broken("10-a.conflist")],
        ["write network pods to 10-a.conflist"],
    ),
    "other networks stay": (
        wanted(),
        [file("05-other.conflist", "other"), broken("30-b.conflist")],
        ["write network pods to 10-pods.conflist"],
    ),
    "gone by name": (
        Wanted(name="pods"),
        [file("10-pods.conflist"), file("20-pods.conf"), file("30-other.conflist", "other")],
        ["remove 10-pods.conflist", "remove 20-pods.conf"],
    ),
    "gone by file": (
        Wanted(name="", filename="20-b.conf"),
        [file("10-pods.conflist"), broken("20-b.conf")],
        ["remove 20-b.conf"],
    ),
    "gone already": (Wanted(name="pods"), [file("30-other.conflist", "other"), broken("20-b.conf")], []),
}


@pytest.mark.parametrize("case", CASES)
def test_what_is_done(case: str) -> None:
    given, files, expected = CASES[case]
    plan = plan_config(given, DIRECTORY, files, is_there=True)
    assert [action.verb.replace(f"{DIRECTORY}/", "") for action in plan.actions] == expected
    assert (plan.before == plan.after) is (expected == [])


def test_the_directory_is_made_first() -> None:
    plan = plan_config(wanted(), DIRECTORY, [], is_there=False)
    assert [action.verb.split()[0] for action in plan.actions] == ["make", "write"]


def test_why_a_file_is_written_is_told_by_its_fields() -> None:
    there = file("10-pods.conflist", content=document(old=1, disableCheck="true"))
    (write,) = plan_config(wanted(document=document(disableCheck=True)), DIRECTORY, [there], is_there=True).actions
    assert write.why == "it differs in disableCheck, old"


@pytest.mark.parametrize(("one", "other", "equal"), [({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ([1], [True], False)])
def test_meaning_counts(one: object, other: object, equal: bool) -> None:
    assert same(one, other) is equal


def test_a_network_that_is_used_and_goes_is_refused() -> None:
    used = [
        Attached(network="pods", container_id=f"{number}" * 64, ifname="eth0", netns=f"/run/netns/{number}")
        for number in range(5)
    ]
    there = [file("10-pods.conflist")]
    gone = plan_config(Wanted(name="pods"), DIRECTORY, there, is_there=True)
    assert refusal(gone, used).startswith("network pods is in use, by 000000000000 eth0 (/run/netns/0), ")
    assert refusal(gone, used).endswith(" and 2 more.")
    assert refusal(gone, []) == ""
    replaced = plan_config(wanted(name="x", filename="10-pods.conflist"), DIRECTORY, there, is_there=True)
    assert refusal(replaced, used)


def test_a_network_that_stays_in_another_file_is_not_lost() -> None:
    there = [file("10-pods.conflist"), file("20-pods.conflist")]
    assert plan_config(Wanted(name="", filename="10-pods.conflist"), DIRECTORY, there, is_there=True).lost == ()
    assert plan_config(wanted(order=5), DIRECTORY, there, is_there=True).lost == ()


def test_a_network_without_a_version_is_warned_of() -> None:
    assert versionless(document(), "f") == []
    assert versionless({"cniVersions": ["1.0.0"]}, "f") == []
    (problem,) = versionless({"name": "x"}, "f")
    assert (problem.severity, problem.field) == ("warning", "$.cniVersion")
