"""Waits between attempts: they double, are bounded, and are not all alike."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conjunct.queue.backoff import backoff


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 5), (2, 10), (3, 20), (8, 640), (20, 3600), (10**6, 3600)])
def test_the_wait_doubles_up_to_an_hour_with_a_fifth_of_jitter(attempts, seconds):
    waits = [backoff(attempts) for _ in range(200)]

    assert timedelta(seconds=seconds * 0.8) <= min(waits)
    assert max(waits) <= timedelta(seconds=seconds * 1.2)
    assert len(set(waits)) > 100
