"""The gate of starts."""

from __future__ import annotations

import asyncio

from kubenode.apply.gate import StartGate

LONG = 60.0  # seconds; nothing here waits for it


async def _hold(gate: StartGate, name: str, entered: list[str], release: asyncio.Event) -> None:
    async with gate.slot():
        entered.append(name)
        await release.wait()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_more_than_its_slots_and_in_order() -> None:
    gate, entered = StartGate(2, LONG), list[str]()
    releases = {name: asyncio.Event() for name in "abcd"}
    tasks = [asyncio.create_task(_hold(gate, name, entered, release)) for name, release in releases.items()]
    await _settle()
    assert entered == ["a", "b"]
    releases["b"].set()
    await _settle()
    assert entered == ["a", "b", "c"]
    for release in releases.values():
        release.set()
    await asyncio.gather(*tasks)
    assert entered == ["a", "b", "c", "d"]


async def test_a_slot_that_is_held_too_long_is_given_on_once() -> None:
    gate, entered = StartGate(1, 0.02), list[str]()
    hung = asyncio.Event()
    first = asyncio.create_task(_hold(gate, "hung", entered, hung))
    await _settle()
    async with asyncio.timeout(5), gate.slot():
        assert not first.done()
    hung.set()
    await first
    # The slot came back once, not twice: of two more only one gets in.
    gate._patience = LONG
    release = asyncio.Event()
    tasks = [asyncio.create_task(_hold(gate, name, entered, release)) for name in "ab"]
    await _settle()
    assert entered == ["hung", "a"]
    release.set()
    await asyncio.gather(*tasks)


async def test_who_gives_up_waiting_takes_no_slot() -> None:
    gate, entered = StartGate(1, LONG), list[str]()
    release = asyncio.Event()
    first = asyncio.create_task(_hold(gate, "first", entered, release))
    await _settle()
    waiting = asyncio.create_task(_hold(gate, "gave up", entered, release))
    await _settle()
    waiting.cancel()
    await _settle()
    release.set()
    await first
    async with asyncio.timeout(5), gate.slot():
        assert entered == ["first"]


async def test_a_failed_start_gives_its_slot_back() -> None:
    gate = StartGate(1, LONG)
    for _ in range(3):
        try:
            async with asyncio.timeout(5), gate.slot():
                raise OSError
        except OSError:
            continue
