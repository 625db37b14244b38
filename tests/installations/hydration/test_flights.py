"""Answers made once for all who ask, and kept for a while."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from conjunct.installations.hydration.flights import Flights, Landed
from conjunct.kit.clock import ManualClock


class Pilot:
    """Flies when it is let go; counts its flights."""

    def __init__(self, *, keep: bool = True, size: int = 10, failing: bool = False) -> None:
        self.flights = 0
        self.go = asyncio.Event()
        self._keep, self._size, self._failing = keep, size, failing

    async def __call__(self) -> Landed:
        self.flights += 1
        number = self.flights
        await self.go.wait()
        if self._failing:
            raise ConnectionError(number)
        return Landed(str(number).encode().ljust(self._size), self._keep)


def flying(flights: Flights[str], pilot: Callable[[], Awaitable[Landed]], count: int = 1) -> list[asyncio.Task[bytes]]:
    return [asyncio.create_task(flights.get("k", pilot)) for _ in range(count)]


async def settled() -> None:
    """Let every task go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_all_who_ask_at_once_share_one_flight_and_later_ones_what_it_brought():
    flights, pilot = Flights[str](), Pilot()
    asking = flying(flights, pilot, 100)
    await settled()
    pilot.go.set()
    assert set(await asyncio.gather(*asking)) == {b"1".ljust(10)}
    assert await flights.get("k", pilot) == b"1".ljust(10)
    assert pilot.flights == 1
    assert await flights.get("other", pilot) == b"2".ljust(10)


async def test_what_is_kept_is_asked_for_again_when_its_time_is_over():
    clock = ManualClock(datetime(2026, 1, 1, tzinfo=UTC))
    flights, pilot = Flights[str](kept_for=timedelta(minutes=5), clock=clock), Pilot()
    pilot.go.set()
    await flights.get("k", pilot)
    clock.advance(timedelta(minutes=5) - timedelta(seconds=1))
    assert await flights.get("k", pilot) == b"1".ljust(10)
    clock.advance(timedelta(seconds=1))
    assert await flights.get("k", pilot) == b"2".ljust(10)
    assert flights.size == 10


async def test_a_failure_is_told_to_all_who_wait_and_not_kept():
    flights, pilot = Flights[str](), Pilot(failing=True)
    asking = flying(flights, pilot, 3)
    await settled()
    pilot.go.set()
    answers = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(answer) for answer in answers] == [ConnectionError] * 3
    good = Pilot()
    good.go.set()
    assert await flights.get("k", good) == b"1".ljust(10)


async def test_an_answer_that_is_not_good_enough_is_given_and_not_kept():
    flights, pilot = Flights[str](), Pilot(keep=False)
    pilot.go.set()
    assert await flights.get("k", pilot) == b"1".ljust(10)
    assert await flights.get("k", pilot) == b"2".ljust(10)
    assert flights.size == 0


@pytest.mark.parametrize("gone", [1, 3])
async def test_who_goes_away_does_not_take_the_flight_along(gone):
    flights, pilot = Flights[str](), Pilot()
    asking = flying(flights, pilot, 3)
    await settled()
    for task in asking[:gone]:
        task.cancel()
    await settled()
    assert all(task.cancelled() for task in asking[:gone])
    pilot.go.set()
    assert await asyncio.gather(*asking[gone:]) == [b"1".ljust(10)] * (3 - gone)
    await settled()
    assert await flights.get("k", pilot) == b"1".ljust(10)
    assert pilot.flights == 1


async def test_memory_is_bounded_and_the_least_used_goes_first():
    flights, pilot = Flights[str](max_bytes=30), Pilot()
    pilot.go.set()
    for key in ("a", "b", "c", "a", "d"):
        await flights.get(key, pilot)
    assert (pilot.flights, flights.size) == (4, 30)
    await flights.get("a", pilot)
    assert pilot.flights == 4
    await flights.get("b", pilot)
    assert pilot.flights == 5

    large = Pilot(size=31)
    large.go.set()
    assert len(await flights.get("large", large)) == 31
    assert flights.size == 30


async def test_what_is_forgotten_is_asked_for_anew_even_while_it_is_under_way():
    flights, pilot = Flights[str](), Pilot()
    [early] = flying(flights, pilot)
    await settled()
    flights.forget(lambda key: key == "k")
    [late] = flying(flights, pilot)
    await settled()
    pilot.go.set()
    assert [await early, await late] == [b"1".ljust(10), b"2".ljust(10)]
    assert await flights.get("k", pilot) == b"2".ljust(10)
    flights.forget(lambda key: key == "k")
    assert flights.size == 0
    assert await flights.get("k", pilot) == b"3".ljust(10)
