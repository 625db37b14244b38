"""The circuit breaker, and when a destination is given up."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from conjunct.delivery.health import GONE, HOPELESS, Health, Tally

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAILURE = Tally(failed=1)


def test_four_failures_leave_the_breaker_closed_and_the_fifth_opens_it() -> None:
    health = Health().after(Tally(failed=4), NOW)
    assert health.access(NOW) == "open"
    health = health.after(FAILURE, NOW)
    assert health.access(NOW) == "blocked"
    assert health.blocked_until(NOW) == NOW + timedelta(seconds=5)


def test_a_success_between_starts_the_count_again() -> None:
    health = Health().after(Tally(failed=4), NOW).after(Tally(delivered=1), NOW).after(Tally(failed=4), NOW)
    assert health.access(NOW) == "open"


def test_each_probe_that_fails_doubles_the_time_up_to_five_minutes() -> None:
    now, health, openings = NOW, Health(consecutive_failures=4), []
    for _ in range(9):
        health = health.after(FAILURE, now)
        until = health.blocked_until(now)
        assert until is not None
        openings.append((until - now).total_seconds())
        now = until
        assert health.access(now) == "probe"
    assert openings == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_failures_that_end_while_it_is_open_do_not_lengthen_it() -> None:
    opened = Health().after(Tally(failed=5), NOW)
    later = opened.after(Tally(failed=10), NOW + timedelta(seconds=1))
    assert later.breaker_open_until == opened.breaker_open_until
    assert later.breaker_openings == 1


def test_one_probe_blocks_the_others_until_its_time_is_over() -> None:
    half_open = Health().after(Tally(failed=5), NOW)
    then = NOW + timedelta(seconds=5)
    probed = replace(half_open, breaker_probe_until=then + timedelta(seconds=40))
    assert probed.access(then) == "blocked"
    assert probed.access(then + timedelta(seconds=40)) == "probe"


def test_a_success_closes_the_breaker_and_clears_the_record() -> None:
    health = Health().after(Tally(failed=5, exhausted=1), NOW).after(Tally(delivered=1), NOW)
    assert health == Health()
    assert health.is_clean


def test_gone_disables_at_once() -> None:
    health = Health().after(Tally(failed=1, gone=True), NOW)
    assert (health.enabled, health.disabled_reason) == (False, GONE)
    assert health.access(NOW) == "blocked"


@pytest.mark.parametrize(("hours", "enabled"), [(1, True), (120, True), (120.01, False)])
def test_messages_given_up_over_more_than_120_hours_disable(hours: float, enabled: bool) -> None:
    first = Health().after(Tally(failed=1, exhausted=1), NOW)
    assert first.enabled
    second = first.after(Tally(failed=1, exhausted=1), NOW + timedelta(hours=hours))
    assert second.enabled is enabled
    assert second.disabled_reason == (None if enabled else HOPELESS)


def test_one_success_within_the_120_hours_starts_them_again() -> None:
    health = Health().after(Tally(failed=1, exhausted=1), NOW).after(Tally(delivered=1), NOW)
    assert health.after(Tally(failed=1, exhausted=1), NOW + timedelta(hours=200)).enabled


def test_a_late_success_does_not_enable_what_was_disabled() -> None:
    gone = Health().after(Tally(gone=True), NOW)
    assert gone.after(Tally(delivered=1), NOW) == gone
