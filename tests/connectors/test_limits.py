"""What a bucket allows, and what answers say of limits."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from conjunct.connectors import InvalidDefinition, ReadQuery, load_definition
from conjunct.connectors.definition import Bucket, RateLimit, Usage
from conjunct.connectors.errors import BadRequest, HeldBack, ProviderError, QuotaExhausted, RateLimited
from conjunct.connectors.limits import (
    LONGEST_PAUSE,
    UNTOLD_PAUSE,
    pause_after_error,
    pause_after_success,
)
from conjunct.kit.slots import Window, largest_lot, lot_seconds, take_lot

from .scripted import Reply, ScriptedProvider, definition

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@given(
    st.builds(Bucket, requests=st.integers(1, 60), seconds=st.sampled_from([0.5, 1, 10, 86_400])),
    st.lists(st.tuples(st.floats(0, 0.4), st.integers(1, 30)), max_size=60),
)
@example(Bucket(requests=10, seconds=10), [(0.0, 10), (0.99, 10), (0.11, 10)])
def test_no_stretch_of_a_buckets_time_sees_more_than_it_allows(bucket: Bucket, asks: list[tuple[float, int]]) -> None:
    """Asks are (time since the one before, as a part of the bucket's; requests wanted)."""
    window, now, taken = Window(), 1_750_000_000.0, []
    for step, wanted in asks:
        now += step * bucket.seconds
        window, lot = take_lot(window, bucket, now, wanted)
        assert (lot.requests == 0) == (lot.wait > 0)
        if lot.requests:
            taken.append((now, lot.requests))
        else:
            after = take_lot(window, bucket, now + lot.wait + 1e-6 * bucket.seconds, wanted)[1]
            assert after.requests > 0, "the wait that is told suffices"
            assert lot.wait <= bucket.seconds * 1.1 + lot_seconds(bucket) + 0.001
    for begin, _ in taken:
        # What is taken goes out within the life of a lot.
        end = begin + bucket.seconds + lot_seconds(bucket)
        inside = sum(count for moment, count in taken if begin <= moment < end)
        assert inside <= bucket.requests


def test_a_clock_that_is_set_back_frees_nothing_early_and_blocks_nothing_for_long() -> None:
    bucket = Bucket(requests=5, seconds=10)
    window, lot = take_lot(Window(), bucket, 1000.0, 9)
    assert lot.requests == 5
    window, lot = take_lot(window, bucket, 10.0, 1)
    assert (lot.requests, lot.wait) == (0, 12.0)
    assert take_lot(window, bucket, 22.0, 1)[1].requests == 1


def test_a_lot_is_a_tenth_at_most_and_soon_lapses() -> None:
    for requests, seconds, lot, life in ((100, 10, 10, 1), (4, 1, 1, 0.1), (1_000_000, 86_400, 100, 2)):
        bucket = Bucket(requests=requests, seconds=seconds)
        assert (largest_lot(bucket), lot_seconds(bucket)) == (lot, life)


@pytest.mark.parametrize(
    ("error", "pause"),
    [
        (RateLimited("slow", retry_after=7), 7),
        (RateLimited("slow"), UNTOLD_PAUSE),
        (QuotaExhausted("for today", retry_after=1e9), LONGEST_PAUSE),
        (QuotaExhausted("for today"), None),
        (BadRequest("no", retry_after=3), None),
    ],
)
def test_the_pause_that_an_error_asks_for(error: ProviderError, pause: float | None) -> None:
    assert pause_after_error(error) == pause


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({"Left": "0", "Reset": "9"}, 9),
        ({"Left": " 0 ", "Reset": "1e999"}, LONGEST_PAUSE),
        ({"Left": "0", "Reset": "nan"}, None),
        ({"Left": "0", "Reset": "soon"}, None),
        ({"Left": "0"}, None),
        ({"Left": "1", "Reset": "9"}, None),
        ({"Left": "-1", "Reset": "9"}, None),
        ({"Reset": "9"}, None),
    ],
)
def test_the_pause_after_the_last_request_of_a_window(headers: dict[str, str], pause: float | None) -> None:
    limits = RateLimit(remaining="Left", reset="Reset")
    assert pause_after_success(headers, limits, NOW) == pause


@pytest.mark.parametrize(
    ("told", "pause"),
    [
        ("api-usage=94/100", None),
        ("api-usage=95/100", 60),
        ("api-usage=101/100; per-app-api-usage=1/2", 60),
        ("api-usage=0/0", None),
        ("api-usage=" + "9" * 5000 + "/100", None),
        ("nothing of the kind", None),
    ],
)
def test_a_part_of_a_quota_is_left_to_others(told: str, pause: float | None) -> None:
    usage = Usage(header="Usage", pattern="api-usage=(?P<used>[0-9]+)/(?P<total>[0-9]+)", pause=60)
    assert pause_after_success({"Usage": told}, RateLimit(usage=usage), NOW) == pause


def test_a_bucket_that_there_is_not_is_a_fault() -> None:
    read = "    request: {path: /things, bucket: searhc}"
    with pytest.raises(InvalidDefinition, match="has no 'searhc'"):
        load_definition(definition(read=read, top="rate_limit: {buckets: {search: {requests: 2}}}"))
    load_definition(definition(read=read.replace("searhc", "default")))


@pytest.mark.parametrize(("pattern", "fault"), [("(?P<used>[0-9]+)", "no groups"), ("(", "not a regular expression")])
def test_a_usage_that_cannot_be_read_is_a_fault(pattern: str, fault: str) -> None:
    usage = f"rate_limit: {{usage: {{header: Usage, pattern: '{pattern}'}}}}"
    with pytest.raises(InvalidDefinition, match=fault):
        load_definition(definition(read="    request: {path: /things}", top=usage))


class Noting:
    """A limiter that notes what it hears, and holds back when told to."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.holds = False

    async def take(self, bucket: str | None, *, patience: float) -> None:
        self.heard.append((bucket, patience))
        if self.holds:
            raise HeldBack("later", retry_after=3)

    async def pause(self, seconds: float) -> None:
        self.heard.append(seconds)


async def test_each_request_waits_for_its_bucket_and_tells_what_its_answer_said(provider: ScriptedProvider) -> None:
    limits = "rate_limit: {remaining: Left, reset: Reset, buckets: {default: {requests: 9}, search: {requests: 2}}}"
    read = """
    request: {path: /things, bucket: search}
    page: {style: next_url, at: next}
    records: found
"""
    limiter = Noting()
    connector = provider.connector(definition(read=read, top=limits), limiter=limiter, patience=4)
    provider.answers(
        {"found": [], "next": f"{provider.url}/things?page=2"},
        Reply({"found": []}, headers={"Left": "0", "Reset": "5"}),
        Reply({}, status=429, headers={"Retry-After": "8"}),
        Reply({}, status=500),
    )
    first = await connector.read_page(ReadQuery("things"))
    await connector.read_page(ReadQuery("things"), first.next)
    for kind in (RateLimited, ProviderError):
        with pytest.raises(kind):
            await connector.read_page(ReadQuery("things"))
    take = ("search", 4)
    assert limiter.heard == [take, take, 5, take, 8, take]
    limiter.holds = True
    with pytest.raises(HeldBack):
        await connector.read_page(ReadQuery("things"))
    assert len(provider.received) == 4, "what is held back is not sent"
