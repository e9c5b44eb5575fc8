"""Manifests written as text, always the same for the same meaning, and read alike by every YAML reader."""

from __future__ import annotations

import re

import yaml

# What other YAML readers, but not PyYAML's writer, take for a number, a date or a truth value.
_AMBIGUOUS = re.compile(r"[-+.0-9].*|y|n", re.IGNORECASE | re.DOTALL)
# Line ends to YAML 1.1, which a reader folds; only double quotes can escape them.
_ODD_LINE_ENDS = re.compile("[\x85\u2028\u2029]")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, no anchors, and quotes around what may be misread."""

    def ignore_aliases(self, _data: object) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    quoted = _ODD_LINE_ENDS.search(value) or ("\n" not in value and _AMBIGUOUS.fullmatch(value))
    style = '"' if quoted else "|" if "\n" in value else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=style)


_Dumper.add_representer(str, _represent_text)


def manifest_text(value: object, *, in_order: bool = False) -> str:
    """The text of a manifest given as plain dicts, lists and scalars. `in_order`: keys are not sorted."""
    return yaml.dump(
        value, Dumper=_Dumper, allow_unicode=True, width=2**31, default_flow_style=False, sort_keys=not in_order
    )


def canonical_text(text: str) -> str:
    """A manifest's text without its layout and comments; as it stands when it is not one YAML document."""
    try:
        return manifest_text(yaml.safe_load(text)) if text.strip() else ""
    except (yaml.YAMLError, ValueError, TypeError, RecursionError):
        return text
