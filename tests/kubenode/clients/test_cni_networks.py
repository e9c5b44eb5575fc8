"""Networks as files have them: what is read, in which order, and what is said of what cannot be."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kubenode.clients.cni import results, versions
from kubenode.clients.cni.attachment import request
from kubenode.clients.cni.directory import load
from kubenode.clients.cni.errors import NetworkError
from kubenode.clients.cni.network import parse_cached, parse_list, parse_single

BRIDGE = {"type": "bridge"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
KEYS = "name cniVersion cniVersions plugins disableCheck disableGC loadOnlyInlinedPlugins type capabilities".split()
# Nearly right, so that every rule is reached.
LIKELY = st.fixed_dictionaries({}, optional={key: JSON | st.just("1.0.0") | st.just([BRIDGE]) for key in KEYS})


def network_list(**changes: Any) -> dict[str, Any]:
    return {"cniVersion": "1.0.0", "name": "net", "plugins": [BRIDGE], **changes}


def as_bytes(document: object) -> bytes:
    return json.dumps(document).encode()


def test_a_list_is_read_with_all_that_it_says() -> None:
    portmap = {"type": "portmap", "capabilities": {"portMappings": True, "bandwidth": False}, "unknown": [1]}
    data = as_bytes(network_list(plugins=[BRIDGE, portmap], disableCheck="TRUE", disableGC=True))
    network = parse_list(data, "a.conflist")
    assert (network.name, network.version, network.disable_check, network.disable_gc) == ("net", "1.0.0", True, True)
    assert [plugin.type for plugin in network.plugins] == ["bridge", "portmap"]
    assert network.plugins[1].configuration == portmap
    assert network.capabilities == {"portMappings"}
    assert network.document == data


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"cniVersion": "0.4.0"}, "0.4.0"),
        ({"cniVersions": ["0.4.0", "1.1.0", "1.0.0"]}, "1.1.0"),
        ({"cniVersions": ["0.4.0", "1.2.0"], "cniVersion": "0.3.1"}, "0.4.0"),
        ({"cniVersions": ["0.3.0"], "cniVersion": "1.0.0"}, "1.0.0"),
        ({"cniVersions": ["0.10.0", "0.9.0"]}, "0.10.0"),
        ({"cniVersions": [], "cniVersion": "1.0.0"}, "1.0.0"),
        ({"cniVersions": ["1.0.0"], "cniVersion": "9.0.0"}, "1.0.0"),
        ({}, "0.1.0"),
        ({"cniVersion": ""}, "0.1.0"),
    ],
)
def test_the_highest_version_that_is_known_is_spoken(fields: dict[str, Any], version: str) -> None:
    assert parse_list(as_bytes({"name": "net", "plugins": [BRIDGE], **fields}), "f").version == version


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"name": ""}, "$.name", "no name"),
        ({"name": 1}, "$.name", "must be a text, not a number"),
        ({"name": "-net"}, "$.name", "'-net' is no network's name"),
        ({"name": "a/../b"}, "$.name", "no network's name"),
        ({"name": "net\n"}, "$.name", "no network's name"),
        ({"cniVersion": True}, "$.cniVersion", "must be a text, not true or false"),
        ({"cniVersion": "one"}, "$.cniVersion", "no version"),
        ({"cniVersion": "1.2.0"}, "$.cniVersion", "newer than 1.1.0"),
        ({"cniVersions": "1.0.0"}, "$.cniVersions", "must be a list, not a text"),
        ({"cniVersions": ["1.0.0", 1]}, "$.cniVersions[1]", "must be a text"),
        ({"cniVersions": ["1.0.0.0"]}, "$.cniVersions[0]", "no version"),
        ({"cniVersions": ["2.0.0"], "cniVersion": "3.0.0"}, "$.cniVersions", "2.0.0, 3.0.0 is newer"),
        ({"disableCheck": "yes"}, "$.disableCheck", "must be true or false"),
        ({"disableGC": 1}, "$.disableGC", "must be true or false"),
        ({"plugins": {}}, "$.plugins", "must be a list, not an object"),
        ({"plugins": []}, "$.plugins", "no plugins"),
        ({"plugins": [BRIDGE, None]}, "$.plugins[1]", "must be an object, not null"),
        ({"plugins": [{"a": 1}]}, "$.plugins[0].type", "no type"),
        ({"plugins": [{"type": "../bridge"}]}, "$.plugins[0].type", "'../bridge' is no name of a plugin"),
        ({"plugins": [{"type": "a", "capabilities": [1]}]}, "$.plugins[0].capabilities", "must be an object"),
        ({"plugins": [{"type": "a", "capabilities": {"ips": "true"}}]}, "$.plugins[0].capabilities.ips", "true or"),
    ],
)
def test_an_error_names_file_and_field(changes: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_list(as_bytes(network_list(**changes)), "/etc/cni/net.d/a.conflist")
    assert caught.value.field == field
    assert words in caught.value.problem
    assert str(caught.value).startswith(f"/etc/cni/net.d/a.conflist: {field}: ")
    assert caught.value.remedy.endswith(".")


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[]", b"[" * 100_000, b"[" * 99 + b"]" * 99])
def test_what_is_no_object_is_an_error_of_the_file(data: bytes) -> None:
    with pytest.raises(NetworkError) as caught:
        parse_list(data, "a.conflist")
    assert caught.value.field == "$"


@settings(deadline=None)
@given(st.binary() | JSON.map(as_bytes) | LIKELY.map(as_bytes))
def test_garbage_is_refused_and_nothing_else_happens(data: bytes) -> None:
    for parse in (parse_list, parse_single, parse_cached):
        with contextlib.suppress(NetworkError):
            network = parse(data, "f")
            assert network.name
            assert versions.at_least(versions.LATEST, network.version)


@settings(deadline=None)
@given(JSON, JSON)
def test_what_a_plugin_is_told_has_all_of_its_configuration(unknown: object, result: object) -> None:
    plugin = {"type": "bridge", "name": "own", "unknown": unknown}
    network = parse_list(as_bytes(network_list(plugins=[plugin])), "f")
    previous = {"cniVersion": "1.0.0", "more": result}
    told = json.loads(request(network, network.plugins[0], None, previous))
    assert told == {**plugin, "name": "net", "cniVersion": "1.0.0", "prevResult": previous}


@given(st.text() | st.from_regex(r"[0-9.]{1,12}"))
def test_a_version_is_three_numbers_or_an_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        assert len(versions.parsed(text)) == 3


def test_a_single_plugin_becomes_a_list_of_one() -> None:
    single = {"cniVersion": "0.4.0", "name": "one", "type": "bridge", "bridge": "b0"}
    network = parse_single(as_bytes(single), "one.conf")
    assert (network.name, network.version) == ("one", "0.4.0")
    assert [plugin.configuration for plugin in network.plugins] == [single]
    assert parse_cached(network.document, "cache") == parse_list(network.document, "cache")


def test_lists_come_first_then_single_plugins_each_by_name(tmp_path: Path) -> None:
    def write(file: str, name: str, *, single: bool = False) -> None:
        document = {"name": name, "type": "bridge"} if single else network_list(name=name)
        (tmp_path / file).write_bytes(as_bytes(document))

    write("20.conflist", "c")
    write("10.conflist", "b")
    write("00.json", "e", single=True)
    write("01.conf", "f", single=True)
    write("09.conflist", "b")
    write("30.conflist.bak", "x")
    (tmp_path / "15.conflist").write_text("{")
    (tmp_path / "05.conflist").mkdir()
    found = load(tmp_path)
    assert [(network.name, Path(network.file).name) for network in found.networks] == [
        ("b", "09.conflist"),
        ("b", "10.conflist"),
        ("c", "20.conflist"),
        ("e", "00.json"),
        ("f", "01.conf"),
    ]
    assert [Path(error.file).name for error in found.errors] == ["15.conflist"]
    assert found.network("b").file.endswith("09.conflist")
    with pytest.raises(NetworkError, match=r"no network 'x'; there are: b, b, c, e, f.*15\.conflist"):
        found.network("x")


def test_a_directory_that_is_not_there_has_no_networks(tmp_path: Path) -> None:
    assert load(tmp_path / "none").networks == ()


def test_plugins_in_the_directory_of_the_network_come_after_its_own(tmp_path: Path) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "2.conf").write_bytes(as_bytes({"type": "tuning"}))
    (tmp_path / "net" / "1.conf").write_bytes(as_bytes({"type": "portmap"}))
    file = tmp_path / "a.conflist"
    file.write_bytes(as_bytes(network_list()))
    (network,) = load(tmp_path).networks
    types = ["bridge", "portmap", "tuning"]
    assert [plugin.type for plugin in network.plugins] == types
    assert [plugin.type for plugin in parse_cached(network.document, "cache").plugins] == types
    file.write_bytes(as_bytes(network_list(loadOnlyInlinedPlugins=True)))
    (network,) = load(tmp_path).networks
    assert [plugin.type for plugin in network.plugins] == ["bridge"]


def test_a_network_without_any_plugin_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.conflist").write_bytes(as_bytes({"name": "net", "cniVersion": "1.0.0"}))
    (error,) = load(tmp_path).errors
    assert "no plugins" in error.problem


NEW = {
    "cniVersion": "1.0.0",
    "interfaces": [{"name": "eth0", "mac": "02:00:00:00:00:01", "sandbox": "/run/netns/a"}],
    "ips": [
        {"address": "10.1.0.2/16", "gateway": "10.1.0.1", "interface": 0},
        {"address": "fd00::2/64"},
        {"address": "::ffff:10.1.0.3/112"},
    ],
    "routes": [{"dst": "0.0.0.0/0"}],
    "dns": {},
}


@pytest.mark.parametrize("version", ["0.3.0", "0.3.1", "0.4.0"])
def test_old_results_say_which_ip_an_address_is_of(version: str) -> None:
    old = results.convert(NEW, version)
    assert [address["version"] for address in old["ips"]] == ["4", "6", "6"]
    assert old["cniVersion"] == version
    assert results.convert(old, "1.0.0") == NEW


def test_of_a_newer_result_only_the_version_changes() -> None:
    assert results.convert(NEW, "1.1.0") == {**NEW, "cniVersion": "1.1.0"}


@pytest.mark.parametrize(
    ("result", "version"),
    [
        ({"cniVersion": "0.2.0"}, "1.0.0"),
        (NEW, "0.2.0"),
        ({}, "1.0.0"),
        ({"cniVersion": ["1.0.0"]}, "1.0.0"),
        ({"cniVersion": "1.0.0", "ips": {}}, "0.4.0"),
        ({"cniVersion": "1.0.0", "ips": [1]}, "0.4.0"),
        ({"cniVersion": "1.0.0", "ips": [{"address": "here"}]}, "0.4.0"),
        ({"cniVersion": "1.0.0", "ips": [{}]}, "0.4.0"),
    ],
)
def test_what_cannot_be_converted_is_a_value_error(result: dict[str, Any], version: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        results.convert(result, version)
