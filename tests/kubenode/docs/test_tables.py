"""What the documentation lists is what there is: fields, settings with their defaults, metrics, commands, links."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer
from prometheus_client.parser import text_string_to_metric_families

from kubenode.commands.app import _add_commands, app
from kubenode.model.pod import NOT_RUN, Container, Metadata, PodSpec
from kubenode.model.schema import Object
from kubenode.model.security import PodSecurityContext, SecurityContext
from kubenode.model.settings import (
    CrashLoopBackOff,
    KubeletConfiguration,
    KubenodeConfiguration,
    Section,
)
from kubenode.serve.metrics import Metrics

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"
PAGES = sorted([ROOT / "README.md", *DOCS.rglob("*.md"), *(ROOT / "roles").glob("*/README.md")])
# What the table says in words, of fields that are empty by default.
IN_WORDS = {
    **dict.fromkeys(("staticPodPath", "staticPodURL", "staticPodURLHeader", "localObjectsPath", "nodeLabels"), "none"),
    **dict.fromkeys(("clusterDNS", "clusterDomain", "allowedUnsafeSysctls", "kubeReserved", "systemReserved"), "none"),
    **dict.fromkeys(("containerRuntimeEndpoint", "imageServiceEndpoint"), "found"),
    "cgroupRoot": "/",
    "podsPerCore": "no limit",
    "evictionHard": "the kubelet's",
    "nodeName": "the host name",
    "nodeIP": "those of the default routes",
}
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def section(page: str, title: str) -> str:
    """What stands under a heading, whatever its depth, down to the next heading."""
    text = (DOCS / page).read_text()
    found = re.split(rf"^#+ {re.escape(title)}$", text, flags=re.MULTILINE)
    assert len(found) == 2, f"{page} has one heading {title}"
    return re.split(r"^#+ ", found[1], flags=re.MULTILINE)[0]


def table(text: str) -> list[list[str]]:
    """The rows below a table's head."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|"]
    return rows[2:]


def listed(page: str, title: str) -> list[str]:
    return [name for row in table(section(page, title)) for name in row[0].split(", ")]


@pytest.mark.parametrize(
    ("title", "types"),
    [
        ("metadata", (Metadata,)),
        ("spec", (PodSpec,)),
        ("A container", (Container,)),
        ("securityContext", (PodSecurityContext, SecurityContext)),
    ],
)
def test_every_field_of_a_pod_is_told_and_no_other(title: str, types: tuple[type[Object], ...]) -> None:
    assert sorted(listed("pods.md", title)) == sorted({name for one in types for name in one.__struct_encode_fields__})


def test_every_field_that_is_refused_is_told_and_no_other() -> None:
    assert sorted(listed("pods.md", "What is refused")) == sorted(NOT_RUN)


def defaults(type_: type[Section]) -> dict[str, Any]:
    values = msgspec.to_builtins(type_())
    return {name: value for name, value in values.items() if name not in ("apiVersion", "kind")}


@pytest.mark.parametrize("type_", [KubeletConfiguration, KubenodeConfiguration])
def test_every_setting_is_told_with_its_default(type_: type[Section]) -> None:
    expected = defaults(type_)
    if type_ is KubeletConfiguration:
        del expected["crashLoopBackOff"]
        expected |= {f"crashLoopBackOff.{name}": value for name, value in defaults(CrashLoopBackOff).items()}
    told: dict[str, str] = {}
    for fields, default, _ in table(section("configuration.md", type_.__name__)):
        names = fields.split(", ")
        values = default.split(", ") if default.count(", ") + 1 == len(names) else [default] * len(names)
        told |= dict(zip(names, values, strict=True))
    assert sorted(told) == sorted(expected)
    assert {name: text.replace("*", "") for name, text in told.items()} == {
        name: written(value) if value or name not in IN_WORDS else IN_WORDS[name] for name, value in expected.items()
    }


def written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("'", "")


async def test_every_metric_is_told_and_no_other() -> None:
    families = text_string_to_metric_families(Metrics("node", tuple).text().decode())
    names = {one.name for one in families if not one.name.startswith("process_") and not one.name.endswith("_created")}
    told = re.findall(r"`((?:kubelet|go)_\w+)`", (DOCS / "metrics.md").read_text())
    assert {name.removesuffix("_total") for name in told} == names


def commands(group: Any, prefix: str = "") -> list[str]:
    found = []
    for name, command in group.commands.items():
        nested = getattr(command, "commands", None)
        found.extend(commands(command, f"{prefix}{name} ") if nested else [f"{prefix}{name}"])
    return found


def test_every_command_and_no_other_is_told() -> None:
    _add_commands()
    there = commands(typer.main.get_command(app))
    told = [re.match(r"`kubenode ([a-z ]*[a-z])", row[0]) for row in table(section("command-line.md", "Command line"))]
    assert sorted(one[1] for one in told if one) == sorted(there)


def test_every_option_and_no_other_is_told() -> None:
    _add_commands()
    text = "".join((DOCS / page).read_text() for page in ("command-line.md", "manifests.md"))
    told = set(re.findall(r"(?<![\w-])--?[a-z][-a-z]*", text))
    there = options(typer.main.get_command(app)) - {("--help",), ("--show-completion",)}
    assert [names for names in there if told.isdisjoint(names)] == []
    assert {name for name in told if name.startswith("--")} <= {name for names in there for name in names}


def options(group: Any) -> set[tuple[str, ...]]:
    """The names of each option of all commands."""
    found = {tuple(one.opts) for one in group.params if one.opts[0].startswith("-")}
    return found.union(*(options(command) for command in getattr(group, "commands", {}).values()))


def test_every_page_is_found_from_the_first() -> None:
    linked = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {str(page.relative_to(ROOT)) for page in DOCS.glob("*.md")} <= linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        path, _, heading = link.partition("#")
        if "://" in path:
            continue
        target = page if not path else (page.parent / path).resolve()
        assert target.exists(), f"{page.name} links to {link}"
        if heading:
            titles = re.findall(r"^#+ (.*)$", target.read_text(), re.MULTILINE)
            assert heading in {title.lower().replace(" ", "-") for title in titles}, f"{page.name} links to {link}"
