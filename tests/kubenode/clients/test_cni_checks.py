"""What is said of a network before anything is attached to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubenode.clients.cni.network import Network
from kubenode.clients.cni.plugins import Binary
from kubenode.model.cni import Problem, Severity, address_ranges, check
from support.cni_plugins import network

ERROR, WARNING = Severity.ERROR, Severity.WARNING


def with_ranges(name: str, *ranges: object, **ipam: Any) -> Network:
    return network({"type": "bridge", "ipam": {"type": "host-local", "ranges": list(ranges), **ipam}}, name=name)


def found(problems: list[Problem]) -> list[tuple[Severity, str]]:
    return [(problem.severity, problem.field) for problem in problems]


def test_a_good_network_has_no_problems() -> None:
    good = with_ranges("a", [{"subnet": "10.1.0.0/16"}], [{"subnet": "fd00:1::/64"}])
    others = [good, with_ranges("b", [{"subnet": "10.2.0.0/16"}]), network("ptp", name="c")]
    installed = [Binary("bridge", "/bin/bridge", ("0.4.0", "1.0.0")), Binary("host-local", "/x", ("1.0.0",))]
    assert check(good, others, installed) == []


@pytest.mark.parametrize(
    ("ranges", "expected"),
    [
        ([[{"subnet": "10.1.2.0/24"}]], [(ERROR, "$.plugins[0].ipam.ranges[0][0]")]),
        ([[{"subnet": "10.0.0.0/8"}]], [(ERROR, "$.plugins[0].ipam.ranges[0][0]")]),
        ([[{"subnet": "10.3.0.0/16"}], [{"subnet": "10.1.9.0/24"}]], [(ERROR, "$.plugins[0].ipam.ranges[1][0]")]),
        ([[{"subnet": "10.1.0.0/16", "rangeStart": "10.1.2.0"}]], [(ERROR, "$.plugins[0].ipam.ranges[0][0]")]),
        ([[{"subnet": "10.1.0.0/16", "rangeStart": "10.1.128.0"}]], [(WARNING, "$.plugins[0].ipam.ranges[0][0]")]),
        ([[{"subnet": "10.2.0.0/16"}]], []),
        ([[{"subnet": "fd00::/64"}]], []),
    ],
)
def test_subnets_of_two_networks_that_overlap(ranges: list[object], expected: list[tuple[Severity, str]]) -> None:
    other = with_ranges("b", [{"subnet": "10.1.0.0/16", "rangeEnd": "10.1.100.0"}])
    problems = check(with_ranges("a", *ranges), [other])
    assert found(problems) == expected
    for problem in problems:
        assert "network b (b.conflist, $.plugins[0].ipam.ranges[0][0])" in str(problem)


def test_the_short_form_counts_and_only_host_locals() -> None:
    short = with_ranges("a", subnet="10.1.0.0/16")
    assert found(check(short, [with_ranges("b", [{"subnet": "10.1.0.0/24"}])])) == [(ERROR, "$.plugins[0].ipam")]
    dhcp = network({"type": "macvlan", "ipam": {"type": "dhcp", "subnet": "10.1.0.0/16"}}, name="b")
    assert check(short, [dhcp]) == []


def test_ranges_of_one_network_must_not_share_addresses() -> None:
    twice = with_ranges("a", [{"subnet": "10.1.0.0/16"}, {"subnet": "10.1.4.0/24"}])
    assert found(check(twice)) == [(ERROR, "$.plugins[0].ipam.ranges[0][0]")]
    apart = with_ranges(
        "a",
        [{"subnet": "10.1.0.0/16", "rangeEnd": "10.1.3.255"}, {"subnet": "10.1.0.0/16", "rangeStart": "10.1.4.0"}],
    )
    assert check(apart) == []


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "must be an object"),
        ({}, "the subnet None must be a text"),
        ({"subnet": 10}, "must be a text"),
        ({"subnet": "10.1.0.0"}, "must be a text such as"),
        ({"subnet": "10.1.0.1/16"}, "without host bits"),
        ({"subnet": "10.1.0.0/31"}, "too small"),
        ({"subnet": "10.1.0.0/16", "rangeStart": "here"}, "rangeStart 'here' is no address"),
        ({"subnet": "10.1.0.0/16", "rangeEnd": "fd00::1"}, "rangeEnd fd00::1 is no address of 10.1.0.0/16"),
        ({"subnet": "10.1.0.0/16", "rangeEnd": "10.2.0.0"}, "in this order"),
        ({"subnet": "10.1.0.0/16", "rangeStart": "10.1.3.0", "rangeEnd": "10.1.2.0"}, "in this order"),
    ],
)
def test_a_range_that_host_local_refuses(value: object, words: str) -> None:
    (problem,) = check(with_ranges("a", [value]))
    assert (problem.severity, problem.field) == (ERROR, "$.plugins[0].ipam.ranges[0][0]")
    assert words in problem.message


def test_a_name_that_is_taken() -> None:
    one, other = network("bridge"), replace(network("ptp"), file="b.conflist")
    (problem,) = check(one, [one, other])
    assert (problem.severity, problem.field) == (ERROR, "$.name")
    assert "b.conflist" in problem.message


def test_plugins_must_be_there_and_speak_the_version() -> None:
    asked = network({"type": "bridge", "ipam": {"type": "host-local"}}, "tuning", version="1.1.0")
    installed = [
        Binary("bridge", "/usr/lib/cni/bridge", ("0.4.0", "1.0.0")),
        Binary("host-local", "", (), "search of plugin host-local failed. Install it."),
        Binary("tuning", "/usr/lib/cni/tuning", ("1.0.0", "1.1.0")),
    ]
    version, missing = check(asked, [], installed)
    assert str(version) == (
        "net.conflist: $.plugins[0].type: /usr/lib/cni/bridge does not support 1.1.0, only 0.4.0, 1.0.0. "
        "Use a cniVersion that all plugins support, or install newer plugins."
    )
    assert missing.field == "$.plugins[0].ipam.type"
    assert missing.remedy == "search of plugin host-local failed. Install it."


@pytest.mark.parametrize(
    ("plugin", "fields"),
    [
        ({"type": "portmap", "capabilities": {"portMappings": True}}, []),
        ({"type": "portmap"}, ["$.plugins[0].capabilities"]),
        ({"type": "portmap", "capabilities": {"portMappings": False}}, ["$.plugins[0].capabilities"]),
        (
            {"type": "portmap", "capabilities": {"portMapping": True}},
            ["$.plugins[0].capabilities.portMapping", "$.plugins[0].capabilities"],
        ),
        ({"type": "bridge", "capabilities": {"ips": True, "mac": True}}, []),
    ],
)
def test_capabilities_are_warned_about(plugin: dict[str, Any], fields: list[str]) -> None:
    assert found(check(network(plugin))) == [(WARNING, field) for field in fields]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["10.0.0.0/8", "10.0.0.9", "fd00::/64"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["subnet", "rangeStart", "rangeEnd"]) | st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None)
@given(VALUES, VALUES, VALUES)
def test_no_addresses_are_so_wrong_that_checking_fails(ranges: object, subnet: object, ipam: object) -> None:
    odd = network(
        {"type": "bridge", "ipam": {"type": "host-local", "ranges": ranges, "subnet": subnet}},
        {"type": "bridge", "ipam": ipam},
    )
    for problem in check(odd, [with_ranges("b", [{"subnet": "10.0.0.0/8"}])], [Binary("bridge", "", (), "gone")]):
        assert problem.field.startswith("$.plugins[")
    for one in address_ranges(odd):
        assert int(one.subnet.network_address) <= one.first <= one.last <= int(one.subnet.broadcast_address)
