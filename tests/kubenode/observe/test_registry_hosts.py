"""Where a registry is asked: containerd's hosts.toml, file by file."""

from __future__ import annotations

from pathlib import Path

import pytest

from kubenode.clients.errors import InvalidArgument
from kubenode.model.image_reference import parse
from kubenode.observe.registry_hosts import RegistryHost, registry_hosts

MIRRORED = """\
server = "https://registry.example"
[host."https://mirror.example/proxy/v2/registry.example"]
  override_path = true
  capabilities = ["pull", "resolve"]
  ca = "ca.pem"
  client = [["client.crt", "client.key"]]
  [host."https://mirror.example/proxy/v2/registry.example".header]
    x-team = ["one", "two"]
[host."http://blobs.example"]
  capabilities = ["pull"]
[host."plain.example:8080"]
  skip_verify = true
"""


@pytest.mark.parametrize(
    ("image", "base"),
    [
        ("busybox", "https://registry-1.docker.io/v2"),
        ("registry.example:5000/web:1", "https://registry.example:5000/v2"),
        ("localhost:5000/web", "http://localhost:5000/v2"),
        ("127.0.0.1:5000/web", "http://127.0.0.1:5000/v2"),
        ("127.0.0.1:443/web", "https://127.0.0.1:443/v2"),
    ],
)
def test_without_a_file_a_registry_is_asked_at_its_own_name(image: str, base: str, tmp_path: Path) -> None:
    assert registry_hosts(parse(image), tmp_path) == (RegistryHost(base),)


def test_mirrors_come_in_the_order_of_the_file_and_the_registry_last(tmp_path: Path) -> None:
    folder = tmp_path / "registry.example"
    folder.mkdir()
    (folder / "hosts.toml").write_text(MIRRORED)
    mirror, plain, itself = registry_hosts(parse("registry.example/web:1"), tmp_path)
    assert mirror == RegistryHost(
        "https://mirror.example/proxy/v2/registry.example",
        ca=(str(folder / "ca.pem"),),
        client=(str(folder / "client.crt"), str(folder / "client.key")),
        headers=(("x-team", "one"), ("x-team", "two")),
        mirror=True,
    )
    assert plain == RegistryHost("https://plain.example:8080/v2", skip_verify=True, mirror=True)
    assert itself == RegistryHost("https://registry.example/v2")


@pytest.mark.parametrize("name", ["registry.example:5000", "registry.example_5000_", "_default"])
def test_the_folder_may_be_called_so(name: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "hosts.toml").write_text('[host."http://here.example"]\n')
    hosts = registry_hosts(parse("registry.example:5000/web"), tmp_path)
    assert [host.base for host in hosts] == ["http://here.example/v2", "https://registry.example:5000/v2"]


def test_a_server_that_cannot_resolve_is_not_asked(tmp_path: Path) -> None:
    (tmp_path / "registry.example").mkdir()
    text = 'server = "https://registry.example"\ncapabilities = ["pull"]\n[host."http://here.example"]\n'
    (tmp_path / "registry.example" / "hosts.toml").write_text(text)
    assert [host.base for host in registry_hosts(parse("registry.example/web"), tmp_path)] == ["http://here.example/v2"]


def test_certificates_beside_each_other_are_trusted(tmp_path: Path) -> None:
    (tmp_path / "registry.example").mkdir()
    (tmp_path / "registry.example" / "ca.crt").touch()
    (host,) = registry_hosts(parse("registry.example/web"), tmp_path)
    assert host.ca == (str(tmp_path / "registry.example" / "ca.crt"),)


@pytest.mark.parametrize("text", ["server = ", "host = 1", '[host."https://a.example"]\ncapabilities = 1\n'])
def test_a_file_that_cannot_be_used_is_named(text: str, tmp_path: Path) -> None:
    (tmp_path / "registry.example").mkdir()
    (tmp_path / "registry.example" / "hosts.toml").write_text(text)
    with pytest.raises(InvalidArgument, match=r"hosts\.toml"):
        registry_hosts(parse("registry.example/web"), tmp_path)
