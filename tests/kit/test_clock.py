from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from conjunct.kit.clock import Clock, ManualClock, SystemClock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_system_clock_tells_the_present_in_utc():
    clock: Clock = SystemClock()
    before = datetime.now(UTC)
    now = clock.now()
    assert before <= now <= datetime.now(UTC)
    assert now.tzinfo is UTC


def test_a_manual_clock_moves_only_when_told():
    clock: Clock = ManualClock(NOON)
    assert clock.now() == clock.now() == NOON


def test_a_manual_clock_advances_and_jumps():
    clock = ManualClock(NOON)
    assert clock.advance(timedelta(minutes=5)) == NOON + timedelta(minutes=5)
    clock.set(NOON - timedelta(days=1))
    assert clock.now() == NOON - timedelta(days=1)


def test_a_manual_clock_answers_in_utc_whatever_zone_it_is_given():
    clock = ManualClock(datetime(2026, 3, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC


def test_a_manual_clock_refuses_naive_moments_and_negative_steps():
    with pytest.raises(ValueError, match="time zone"):
        ManualClock(datetime(2026, 3, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="backwards"):
        ManualClock(NOON).advance(timedelta(seconds=-1))
