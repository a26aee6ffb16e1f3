from __future__ import annotations

import asyncio
import threading

import pytest

from sidelight_dashboard.live import routes
from sidelight_dashboard.live.revision import Revision
from sidelight_dashboard.live.routes import router

LONG = 60.0


async def told(revision: Revision, count: int, beat_seconds: float = LONG) -> list[int]:
    numbers: list[int] = []
    async for number in revision.following(beat_seconds):
        numbers.append(number)
        if len(numbers) == count:
            break
    return numbers


async def rising(revision: Revision, count: int) -> list[int]:
    following = asyncio.create_task(told(revision, count))
    await asyncio.sleep(0)
    for _ in range(count - 1):
        await asyncio.to_thread(revision.rise)
        await asyncio.sleep(0.01)
    return await following


def test_a_number_comes_at_once_and_with_each_rise_from_another_thread() -> None:
    assert asyncio.run(rising(Revision(), 3)) == [0, 1, 2]


def test_who_is_slow_gets_the_newest() -> None:
    async def slow(revision: Revision) -> list[int]:
        numbers = []
        async for number in revision.following(LONG):
            numbers.append(number)
            if len(numbers) == 2:
                return numbers
            for _ in range(5):
                revision.rise()
        return numbers

    assert asyncio.run(slow(Revision())) == [0, 5]


def test_without_news_the_number_comes_again_at_each_beat() -> None:
    assert asyncio.run(told(Revision(), 3, beat_seconds=0.01)) == [0, 0, 0]


def test_the_end_lets_all_go() -> None:
    async def ended() -> list[list[int]]:
        revision = Revision()
        following = [asyncio.create_task(told(revision, 99)) for _ in range(3)]
        await asyncio.sleep(0)
        threading.Timer(0.01, revision.end).start()
        return await asyncio.gather(*following)

    assert asyncio.run(ended()) == [[0]] * 3


def test_who_has_left_is_not_waited_for() -> None:
    async def left() -> Revision:
        revision = Revision()
        following = revision.following(LONG)
        await anext(following)
        await following.aclose()  # type: ignore[attr-defined]
        return revision

    revision = asyncio.run(left())
    revision.rise()
    assert revision.number == 1
    assert not revision._waiting


def test_events_carry_the_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "LEAST_SECONDS", 0.0)
    revision = Revision()
    revision.rise()

    async def first() -> str:
        async for event in routes._events(revision):
            return event
        return ""

    assert asyncio.run(first()) == "event: revision\ndata: 1\n\n"
    assert [route.path for route in router(revision).routes] == ["/events"]  # type: ignore[attr-defined]
