"""Clocks that disagree: a read never takes a time of ours for one that the provider has not reached yet."""

from __future__ import annotations

import itertools
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conjunct.actions.read.watermarks import no_later_than
from conjunct.connectors.traffic import Traffic
from conjunct.core.database import Database
from conjunct.kit.clock import SystemClock
from tests.support.platform import running_platform
from tests.support.reading import backfilled, logs, run_of, scheduled_read, touch, watermark

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)


class SteppedClock(SystemClock):
    """The machine's clock, set wrong by `off`; receivers of webhooks bear five minutes."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        self.off = off

    def now(self) -> datetime:
        return super().now() + self.off


AHEAD = timedelta(seconds=240)


async def test_by_a_clock_that_is_ahead_nothing_is_left_out(database: Database, tmp_path: Path) -> None:
    clock = SteppedClock(AHEAD)
    async with running_platform(database, tmp_path, clock=clock) as platform:
        await backfilled(platform)
        reached = await watermark(platform)
        assert reached is not None
        assert reached <= datetime.now(UTC)
        [backfill] = await platform.operations()
        told = [line for line in await logs(platform, backfill["id"]) if "aheadSeconds" in line.get("details", {})]
        assert [line["severity"] for line in told] == ["WARNING"]
        assert 235 <= int(told[0]["details"]["aheadSeconds"]) <= 245

        changed: list[str] = []
        for off in (AHEAD, timedelta(), -AHEAD, timedelta()):  # it steps back, too far, and forth again
            changed = touch(platform, 3)
            clock.off = off
            operation = await scheduled_read(platform)
            assert operation["status"] == "success"
            run = await run_of(platform, operation["id"])
            assert run.since == reached
            now = await watermark(platform)
            assert now is not None
            assert reached <= now <= datetime.now(UTC)
            reached = now
            if off >= timedelta():  # by a clock that is behind they are of the future, and come with a later read
                assert set(changed) <= set(platform.delivered(operation["id"]))
        assert set(changed) <= set(platform.delivered())


async def test_what_changes_while_a_clock_is_behind_comes_as_soon_as_it_is_right(
    database: Database, tmp_path: Path
) -> None:
    clock = SteppedClock()
    async with running_platform(database, tmp_path, clock=clock) as platform:
        await backfilled(platform)
        reached = await watermark(platform)
        clock.off = -AHEAD
        changed = touch(platform, 3)
        for _ in range(2):
            operation = await scheduled_read(platform)
            assert (operation["status"], platform.delivered(operation["id"])) == ("success", [])
            assert await watermark(platform) == reached
        clock.off = timedelta()
        operation = await scheduled_read(platform)
        assert sorted(platform.delivered(operation["id"])) == sorted(changed)
        again = await scheduled_read(platform)
        assert platform.delivered(again["id"]) == []


class JumpingClock(SystemClock):
    """The machine's clock, set anew by an hour either way whenever it is looked at, until it is `right`."""

    def __init__(self) -> None:
        self.right = False
        self._offs = itertools.cycle([timedelta(hours=1), timedelta(), timedelta(hours=-1)])

    def now(self) -> datetime:
        return super().now() + (timedelta() if self.right else next(self._offs))


async def test_by_a_clock_that_steps_by_an_hour_within_runs_nothing_is_left_out(
    database: Database, tmp_path: Path
) -> None:
    clock = JumpingClock()
    async with running_platform(database, tmp_path, clock=clock, check_time=False) as platform:
        await backfilled(platform)
        assert len(set(platform.delivered())) == 250
        reached = await watermark(platform)
        changed: set[str] = set()
        for clock.right in (False, False, False, False, True):
            assert reached is not None
            assert reached <= datetime.now(UTC)
            changed |= set(touch(platform, 3))
            operation = await scheduled_read(platform)
            run = await run_of(platform, operation["id"])
            assert (operation["status"], run.since) == ("success", reached)
            before, reached = reached, await watermark(platform)
            assert reached is not None
            assert reached >= before
        delivered = Counter(platform.delivered())
        assert all(delivered[id_] >= 2 for id_ in changed)  # in the backfill, and since it was changed


@pytest.mark.parametrize(
    ("watermark_at", "taken"),
    [
        (NOON - 60 * SECOND, NOON - 60 * SECOND),  # ours is behind
        (NOON, NOON),
        (NOON + SECOND, NOON + SECOND),  # the header says no more exactly than this
        (NOON + 1.1 * SECOND, NOON - 5 * SECOND),  # it may have been asked for as early as that
        (NOON + timedelta(days=400), NOON - 5 * SECOND),
    ],
)
def test_the_earlier_of_both_clocks_counts(watermark_at: datetime, taken: datetime) -> None:
    assert no_later_than((NOON - 5 * SECOND, NOON + SECOND), watermark_at) == taken
    assert no_later_than(None, watermark_at) == watermark_at


@pytest.mark.parametrize("date", [None, "", "yesterday", "Fri, 99 May 2026 12:00:00 GMT"])
def test_a_provider_that_tells_no_time_is_asked_again_with_the_next_request(date: str | None) -> None:
    traffic = Traffic()
    with traffic.requesting() as clocked:
        clocked.answered({} if date is None else {"Date": date})
    with traffic.requesting() as clocked:  # from a cache on the way: that was the time an hour ago
        clocked.answered({"Date": "Fri, 01 May 2026 11:00:00 GMT", "Age": "3600"})
    assert traffic.asked is None
    for day in (1, 2):
        with traffic.requesting() as clocked:
            clocked.answered({"Date": f"Fri, 0{day} May 2026 12:00:00 GMT", "Age": "0"})
    assert traffic.asked is not None
    earliest, latest = traffic.asked
    assert NOON - SECOND < earliest <= NOON
    assert latest == NOON + SECOND
    assert traffic.requests == 4
