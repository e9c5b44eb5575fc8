"""Garbage is what nothing speaks for; how many addresses are left."""

from __future__ import annotations

from typing import Any

import pytest

from kubenode.model.cni import address_ranges
from kubenode.model.cni_changes import Attached, HeldAddress, Sandbox
from kubenode.plan.cni_addresses import use
from kubenode.plan.cni_garbage import Living, NetworkUse, plan_garbage, valid_of
from support.cni_plugins import network

BOX = Sandbox(id="c1", name="shop/web", interfaces=frozenset({"eth0"}), addresses=frozenset({"10.0.0.2"}))


def attached(container: str = "c1", ifname: str = "eth0", netns: str = "/run/netns/c1") -> Attached:
    return Attached(network="net", container_id=container, ifname=ifname, netns=netns)


def held(address: str, container: str = "c1", ifname: str = "eth0", age: float = 1000.0) -> HeldAddress:
    path = f"/data/net/{address}"
    return HeldAddress(network="net", address=address, container_id=container, ifname=ifname, path=path, age=age)


ATTACHMENTS: dict[str, tuple[Living, str]] = {
    "nothing speaks for it": (Living(sandboxes=(), namespaces=frozenset()), ""),
    "another interface is given": (Living(given=frozenset({("c1", "eth1")})), ""),
    "another sandbox is there": (Living(sandboxes=(Sandbox(id="c2", name="shop/web"),)), ""),
    "it is given": (Living(given=frozenset({("c1", "eth0")})), "it is given as valid"),
    "its sandbox is there": (Living(sandboxes=(BOX,)), "the runtime has its sandbox shop/web"),
    "its namespace is there": (
        Living(namespaces=frozenset({"/run/netns/c1"})),
        "its network namespace /run/netns/c1 is there",
    ),
}


@pytest.mark.parametrize("case", ATTACHMENTS)
def test_an_attachment_stays_when_something_speaks_for_it(case: str) -> None:
    living, why = ATTACHMENTS[case]
    plan = plan_garbage([NetworkUse(name="net", attached=(attached(),))], living)
    assert [one.why for one in plan.kept] == ([why] if why else [])
    assert [one.verb for one in plan.actions] == ([] if why else ["detach c1 eth0 from network net"])


ADDRESSES: dict[str, tuple[HeldAddress, Living, str]] = {
    "nobody's": (held("10.0.0.9"), Living(sandboxes=(), namespaces=frozenset()), ""),
    "another interface's": (held("10.0.0.9", ifname="eth1"), Living(given=frozenset({("c1", "eth0")})), ""),
    "young": (held("10.0.0.9", age=299.0), Living(), "it was given out less than 300 s ago"),
    "of a container that is given": (
        held("10.0.0.9", ifname=""),
        Living(given=frozenset({("c1", "eth0")})),
        "its attachment is given as valid",
    ),
    "of a sandbox": (held("10.0.0.9", ifname="eth7"), Living(sandboxes=(BOX,)), "the runtime has its sandbox shop/web"),
    "used by a sandbox": (
        held("10.0.0.2", "another"),
        Living(sandboxes=(BOX,)),
        "sandbox shop/web of the runtime has this address",
    ),
}


@pytest.mark.parametrize("case", ADDRESSES)
def test_an_address_stays_when_something_speaks_for_it(case: str) -> None:
    address, living, why = ADDRESSES[case]
    plan = plan_garbage([NetworkUse(name="net", held=(address,))], living)
    assert [one.why for one in plan.kept] == ([why] if why else [])
    assert [one.verb for one in plan.actions] == ([] if why else ["free address 10.0.0.9 of network net"])


def test_an_address_goes_with_its_attachment() -> None:
    uses = [NetworkUse(name="net", attached=(attached(),), held=(held("10.0.0.2"), held("10.0.0.3", ifname="")))]
    plan = plan_garbage(uses, Living())
    assert [one.verb for one in plan.actions] == ["detach c1 eth0 from network net"]
    assert plan.kept == ()


def test_a_network_that_forbids_gc_is_left_alone() -> None:
    shared = NetworkUse(name="net", attached=(attached(),), held=(held("10.0.0.9", "x"),), collectable=False, verb=True)
    plan = plan_garbage([shared], Living())
    assert (plan.actions, plan.asked) == ((), frozenset())
    assert len(plan.kept) == 2


def test_plugins_are_told_of_all_that_stays() -> None:
    living = Living(
        given=frozenset({("given", "net1")}),
        sandboxes=(BOX, Sandbox(id="bare", name="shop/bare")),
        namespaces=frozenset({"/run/netns/c3"}),
    )
    use_ = NetworkUse(
        name="net",
        attached=(attached("c3", netns="/run/netns/c3"), attached("gone", netns="/run/netns/gone")),
        held=(held("10.0.0.5", "c1", "eth1"), held("10.0.0.6", "starting", age=1.0), held("10.0.0.7", "lost")),
        verb=True,
    )
    expected = {("given", "net1"), ("c1", "eth0"), ("c1", "eth1"), ("bare", "eth0"), ("c3", "eth0")}
    expected.add(("starting", "eth0"))
    assert valid_of(use_, living) == expected
    plan = plan_garbage([use_], living)
    assert plan.asked == {"net"}
    assert plan.valid == {"net": expected}


RANGES: dict[str, tuple[dict[str, Any], tuple[str, str, int]]] = {
    "a subnet": ({"subnet": "10.0.0.0/24"}, ("10.0.0.1", "10.0.0.254", 253)),
    "a part without the gateway": (
        {"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.10", "rangeEnd": "10.0.0.19"},
        ("10.0.0.10", "10.0.0.19", 10),
    ),
    "a gateway within": (
        {"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.10", "rangeEnd": "10.0.0.19", "gateway": "10.0.0.12"},
        ("10.0.0.10", "10.0.0.19", 9),
    ),
    "the smallest": ({"subnet": "10.0.0.0/30"}, ("10.0.0.1", "10.0.0.2", 1)),
    "IPv6": ({"subnet": "fd00::/64"}, ("fd00::1", "fd00::ffff:ffff:ffff:ffff", 2**64 - 2)),
}


@pytest.mark.parametrize("case", RANGES)
def test_addresses_are_counted_as_host_local_gives_them_out(case: str) -> None:
    given, (first, last, total) = RANGES[case]
    net = network({"type": "bridge", "ipam": {"type": "host-local", "ranges": [[given]]}})
    (found,) = use(address_ranges(net), [first, "192.168.0.1", "fd01::1"])
    assert (found.first, found.last, found.total) == (first, last, total)
    assert (found.used, found.free) == (1, total - 1)
