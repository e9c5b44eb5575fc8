"""What every driver says of itself."""

from __future__ import annotations

import re

from kubenode.observe import csi as seen
from support.csi_subject import Subject

DOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?")


async def test_its_name_is_one_that_the_specification_allows(driver: Subject) -> None:
    info = await seen.plugin_info(driver.csi)
    assert DOMAIN.fullmatch(info.name), info.name
    assert info.vendor_version


async def test_it_is_ready(driver: Subject) -> None:
    await seen.wait_ready(driver.csi, within=1)


async def test_its_capabilities_stay_the_same(driver: Subject) -> None:
    again = await seen.capabilities(driver.csi)
    assert again.node == driver.can.node
    assert again.plugin
    assert "UNKNOWN" not in again.plugin | again.node | again.controller


async def test_its_node_has_a_name_that_fits(driver: Subject) -> None:
    info = await seen.node_info(driver.csi)
    assert 0 < len(info.node_id.encode()) <= 256
    assert info.max_volumes_per_node >= 0
    if "VOLUME_ACCESSIBILITY_CONSTRAINTS" in driver.can.plugin:
        assert info.accessible_topology.segments
