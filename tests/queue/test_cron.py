"""When cron expressions are due: minutes, offsets, time zones, and the two odd nights of the year."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conjunct.queue import BadSchedule
from conjunct.queue.cron import next_moment, spread


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("* * * * *", "2026-03-01T12:00:00Z", "2026-03-01T12:01:00Z"),
        ("* * * * *", "2026-03-01T12:00:59.9Z", "2026-03-01T12:01:00Z"),
        ("*/10 * * * *", "2026-03-01T12:00:00Z", "2026-03-01T12:10:00Z"),
        ("0 9 * * MON", "2026-03-01T12:00:00Z", "2026-03-02T09:00:00Z"),
        ("30 6 29 2 *", "2026-03-01T12:00:00Z", "2028-02-29T06:30:00Z"),
    ],
)
def test_in_utc(cron, after, expected):
    assert next_moment(cron, "UTC", at(after)) == at(expected)


def test_a_schedule_with_an_offset_keeps_the_minute_it_has_not_reached_yet():
    offset = timedelta(seconds=37)

    assert next_moment("* * * * *", "UTC", at("2026-03-01T12:02:10Z"), offset=offset) == at("2026-03-01T12:02:37Z")
    assert next_moment("* * * * *", "UTC", at("2026-03-01T12:02:37Z"), offset=offset) == at("2026-03-01T12:03:37Z")


@pytest.mark.parametrize(
    ("cron", "after", "expected"),
    [
        ("0 9 * * *", "2026-01-10T12:00:00Z", "2026-01-11T08:00:00Z"),  # winter: UTC+1
        ("0 9 * * *", "2026-07-10T12:00:00Z", "2026-07-11T07:00:00Z"),  # summer: UTC+2
        ("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),  # 02:30 is skipped: at 03:00 instead
        ("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z"),  # 02:30 comes twice: the first time
        ("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"),  # and not the second
        ("30 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T01:30:00Z"),
        ("*/20 * * * *", "2026-10-25T00:40:00Z", "2026-10-25T01:00:00Z"),  # intervals go on through both hours
        ("*/20 * * * *", "2026-03-29T00:40:00Z", "2026-03-29T01:00:00Z"),
    ],
)
def test_in_berlin(cron, after, expected):
    assert next_moment(cron, "Europe/Berlin", at(after)) == at(expected)


@given(
    cron=st.sampled_from(["* * * * *", "*/7 * * * *", "15 * * * *", "30 2 * * *", "0 0 1 * *", "5 1-3 * * SUN"]),
    timezone=st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"]),
    after=st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    offset=st.integers(0, 59).map(lambda seconds: timedelta(seconds=seconds)),
)
def test_the_next_moment_is_later_and_nothing_lies_between(cron, timezone, after, offset):
    moment = next_moment(cron, timezone, after, offset=offset)

    assert moment > after
    assert next_moment(cron, timezone, moment - timedelta(seconds=1), offset=offset) == moment
    assert (moment - offset).astimezone(ZoneInfo(timezone)).second == 0


@pytest.mark.parametrize(
    ("cron", "timezone", "says"),
    [
        ("* * * *", "UTC", "five fields"),
        ("* * * * * *", "UTC", "five fields"),
        ("61 * * * *", "UTC", "minute field `61`"),
        ("every day at noon please", "UTC", "minute field `every`"),
        ("0 0 31 2 *", "UTC", "day-of-month field `31`"),
        ("* * * * *", "Mars/Olympus", "not a known time zone"),
        ("* * * * *", "", "not a known time zone"),
        ("* * * * *", "../etc/passwd", "not a known time zone"),
    ],
)
def test_what_is_not_a_schedule_is_refused_with_a_reason(cron, timezone, says):
    with pytest.raises(BadSchedule, match=says):
        next_moment(cron, timezone, datetime(2026, 1, 1, tzinfo=UTC))


def test_many_schedules_are_spread_over_the_minute():
    seconds = Counter(spread(f"project/{n}").total_seconds() for n in range(6000))

    assert set(seconds) == set(range(60))
    assert max(seconds.values()) < 200  # 100 each, were they perfectly even
    assert spread("project/1") == spread("project/1")
