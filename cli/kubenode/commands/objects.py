"""How the ConfigMaps and Secrets that are not used as they stand are told."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from kubenode.commands.output import plain

if TYPE_CHECKING:
    from rich.console import Console

    from kubenode.model.reports import ObjectState


def show_objects(out: Console, objects: Iterable[ObjectState]) -> None:
    """A line for each that is not valid."""
    for one in objects:
        if one.state != "valid":
            place = f"{one.source}:{one.line}" if one.line else one.source
            name = f" {one.object}" if one.object else ""
            held = "; the last good version is used" if one.state == "held" else ""
            out.print(f"[yellow]{one.state}[/] {plain(place)}{plain(name)}: {plain(one.reason)}{held}")
