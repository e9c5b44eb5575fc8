"""Blocking calls that may hang."""

from __future__ import annotations

import asyncio
import threading

import pytest

from kubenode.clients.threads import PatientCalls


async def test_a_call_gives_what_it_returns_and_raises() -> None:
    calls = PatientCalls()
    assert await calls.call("a", 5, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        await calls.call("a", 5, divmod, 7, 0)
    assert await calls.call("a", 5, divmod, 9, 2) == (4, 1)


async def test_what_hangs_is_begun_once_and_holds_up_nobody_else() -> None:
    calls, answer = PatientCalls(), threading.Event()
    begun: list[int] = []

    def hang(number: int) -> int:
        begun.append(number)
        answer.wait()
        return number

    for number in range(3):
        with pytest.raises(TimeoutError):
            await calls.call("a", 0.05, hang, number)
    others = await asyncio.gather(*(calls.call(f"b{number}", 5, divmod, number, 1) for number in range(50)))
    assert (begun, len(others)) == ([0], 50)
    waiting = asyncio.create_task(calls.call("a", 5, hang, 3))
    answer.set()
    assert (await waiting, begun) == (3, [0, 3])


async def test_what_hangs_does_not_keep_a_process_from_ending() -> None:
    calls, answer = PatientCalls(), threading.Event()
    with pytest.raises(TimeoutError):
        await calls.call("a", 0.05, answer.wait)
    (thread,) = (one for one in threading.enumerate() if one.name == "patient call")
    assert thread.daemon
    answer.set()
    await asyncio.to_thread(thread.join)
