"""The collection as a whole: its action group, and a target that runs each of its plugins."""

from __future__ import annotations

import pytest
import yaml

from support import collection_modules as collection

TARGETS = collection.ROOT / "tests" / "integration" / "targets"
# Kinds of plugins, and the name of the target that runs one of them.
KINDS = {
    "modules": "{name}",
    "connection": "connection_{name}",
    "inventory": "inventory_{name}",
    "filter": "filters",
}
# Nothing of it runs by itself.
SHARED = {"doc_fragments", "module_utils", "plugin_utils"}
PLUGINS = [(kind, name) for kind in KINDS for name in collection.names(kind)]


def test_one_action_group_has_all_modules() -> None:
    runtime = yaml.safe_load((collection.ROOT / "meta" / "runtime.yml").read_text())
    assert runtime["action_groups"] == {"node": collection.names("modules")}


@pytest.mark.parametrize(("kind", "name"), PLUGINS)
def test_a_target_runs_it(kind: str, name: str) -> None:
    assert (TARGETS / KINDS[kind].format(name=name) / "tasks" / "main.yml").is_file()


def test_every_kind_of_plugin_has_its_targets() -> None:
    kinds = {path.name for path in collection.PLUGINS.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert kinds == KINDS.keys() | SHARED
