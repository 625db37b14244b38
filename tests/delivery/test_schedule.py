"""When a message is tried again."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest

from conjunct.delivery.schedule import DELAYS, LONGEST_AGE, MAX_ATTEMPTS, deferral, next_delay


def test_the_schedule_is_the_published_one() -> None:
    assert [delay.total_seconds() for delay in DELAYS] == [5, 300, 1800, 7200, 18000, 36000, 36000]
    assert MAX_ATTEMPTS == 8
    assert sum(DELAYS, timedelta()) == timedelta(hours=27, minutes=35, seconds=5)


@pytest.mark.parametrize("attempt", range(1, 8))
def test_a_delay_varies_by_a_fifth_either_way(attempt: int) -> None:
    rng = Random(attempt)
    delays = [next_delay(attempt, None, rng) for _ in range(500)]
    shares = [delay / DELAYS[attempt - 1] for delay in delays if delay is not None]
    assert len(shares) == 500
    assert 0.8 <= min(shares) < 0.82
    assert 1.18 < max(shares) <= 1.2


def test_the_eighth_failure_is_the_last() -> None:
    assert next_delay(8, None, Random(0)) is None
    assert next_delay(8, timedelta(hours=1), Random(0)) is None


@pytest.mark.parametrize(
    ("asked", "given"),
    [
        pytest.param(timedelta(seconds=1), timedelta(minutes=4), id="less than planned: as planned"),
        pytest.param(timedelta(minutes=7), timedelta(minutes=7), id="more: as asked"),
        pytest.param(timedelta(minutes=10), timedelta(minutes=10), id="twice: as asked"),
        pytest.param(timedelta(days=30), timedelta(minutes=10), id="more than twice: twice"),
    ],
)
def test_retry_after_lengthens_up_to_twice(asked: timedelta, given: timedelta) -> None:
    class Least(Random):
        def uniform(self, low: float, _high: float) -> float:
            return low

    assert next_delay(2, asked, Least()) == given


def test_attempts_count_from_one() -> None:
    with pytest.raises(ValueError, match="count from 1"):
        next_delay(0, None, Random(0))


def test_a_deferral_outlasts_the_block_and_grows_with_age() -> None:
    def wait(age: timedelta, blocked_for: timedelta) -> timedelta:
        found = deferral(age, blocked_for, Random(1))
        assert found is not None
        return found

    assert wait(timedelta(), timedelta(seconds=40)) >= timedelta(seconds=40)
    assert wait(timedelta(hours=10), timedelta(seconds=40)) >= timedelta(hours=1)
    assert wait(timedelta(), timedelta()) >= timedelta(seconds=1)


def test_what_waits_longer_than_the_schedule_is_given_up() -> None:
    assert deferral(LONGEST_AGE, timedelta(), Random(1)) is not None
    assert deferral(LONGEST_AGE + timedelta(seconds=1), timedelta(), Random(1)) is None


def test_a_message_asks_rarely_while_its_destination_is_down() -> None:
    rng, age, wakes = Random(1), timedelta(), 0
    while (wait := deferral(age, timedelta(minutes=5), rng)) is not None:
        age, wakes = age + wait, wakes + 1
    assert age > LONGEST_AGE
    assert wakes < 60
