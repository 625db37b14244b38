"""What is known of an asynchronous write from one attempt to the next, and when it is tried again."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from random import Random

import pytest

from conjunct.actions.write.deadlines import LONGEST_DELAY, RECONNECT_DELAY, wait_after
from conjunct.actions.write.results import LOST, Results
from conjunct.connectors import ProviderError, WriteFault, Written
from conjunct.connectors.errors import ApiDisabled, AuthRevoked, ErrorKind, QuotaExhausted, RateLimited, ServerFailed
from conjunct.core.problems import NotFound, Problem, Unavailable

DONE = Written("done", "7", {"Name": "Ada"})
REFUSED = Written("refused", faults=(WriteFault("no name", "E1"),))
LOCKED = Written("refused", "8", faults=(WriteFault("locked", kind=ErrorKind.RETRYABLE),))
ONCE = Written("unknown", faults=(WriteFault("no answer", kind=ErrorKind.TIMEOUT),))
TWICE = Written("unknown", "9", faults=(WriteFault("no answer", kind=ErrorKind.TIMEOUT),), repeatable=True)


def test_only_what_may_be_tried_again_is_left() -> None:
    results = Results.untried(6).heard(range(6), [DONE, REFUSED, LOCKED, ONCE, TWICE, Written("untried")], "no answer")
    assert results.left == [2, 4, 5]
    assert results.repeated == []
    results = results.heard([2, 4, 5], [DONE, DONE, DONE], None)
    assert (results.left, results.repeated, results.trouble) == ([], [4], "no answer")
    assert [each.state for each in results.written] == ["done", "refused", "done", "unknown", "done", "done"]


def test_what_was_on_its_way_is_left_only_where_twice_comes_to_once() -> None:
    results = Results.untried(3).lost([(0, True), (1, False)])
    assert results.left == [0, 2]
    assert [each.state for each in results.written] == ["unknown", "unknown", "untried"]
    assert results.written[1].faults[0].message == LOST
    assert results.lost([(0, True)]).repeated == [0], "lost once more: the second sending was a repeat"


def test_of_all_or_none_none_is_done_with_before_all_are() -> None:
    rolled_back = Written("refused", faults=(WriteFault("rolled back"),))
    untried = Results.untried(2)
    assert untried.heard([0, 1], [LOCKED, rolled_back], None, all_or_none=True).left == [0, 1]
    assert untried.heard([0, 1], [REFUSED, rolled_back], None, all_or_none=True).left == []
    assert untried.heard([0, 1], [ONCE, ONCE], None, all_or_none=True).left == []


def test_what_is_known_is_kept_without_the_records() -> None:
    results = Results.untried(4).heard(range(4), [DONE, REFUSED, TWICE, LOCKED], "no answer").lost([(2, True)])
    kept = results.to_bytes()
    assert b"Ada" not in kept
    assert Results.from_bytes(kept) == results


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("error", "wait"),
    [
        (RateLimited("slow down", retry_after=90), timedelta(seconds=90)),
        (QuotaExhausted("no more today", retry_after=3600), None),
        (AuthRevoked("gone"), RECONNECT_DELAY),
        (ApiDisabled("not in this plan"), None),
        (NotFound("gone"), None),
    ],
)
def test_an_attempt_comes_as_the_obstacle_asks_and_none_after_the_deadline(
    error: ProviderError | Problem, wait: timedelta | None
) -> None:
    assert wait_after(error, tries=0, left=HOUR) == wait


@pytest.mark.parametrize("error", [None, ServerFailed("broken"), Unavailable("not now"), RateLimited("slow down")])
def test_what_passes_is_tried_again_ever_more_seldom(error: ProviderError | Problem | None) -> None:
    waits = [wait_after(error, tries=tries, left=HOUR, rng=Random(1)) for tries in range(8)]
    assert all(later > 1.2 * sooner for sooner, later in pairwise(filter(None, waits)))
    last = wait_after(error, tries=10**6, left=HOUR, rng=Random(1))
    assert last is not None
    assert last <= LONGEST_DELAY * 1.2
    assert wait_after(error, tries=20, left=timedelta(seconds=1)) is None
