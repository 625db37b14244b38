"""What is told of a provider's error to somebody who waits for the answer: what is true, and when to try again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from conjunct.connectors import ProviderError
from conjunct.connectors.errors import AuthRevoked, BadRequest, HeldBack, QuotaExhausted, RateLimited, ServerFailed
from conjunct.installations import provider_problem

USED_UP = "the provider's limit of 10 requests in 1 s is used up for now"


@pytest.mark.parametrize(
    ("error", "status", "detail", "after"),
    [
        (
            HeldBack(USED_UP, retry_after=30),
            503,
            f"Conjunct waits, so as to stay within the provider's limits, and has not asked: {USED_UP}.",
            30,
        ),
        (
            RateLimited("slow down", status=429, retry_after=7),
            503,
            "The provider takes no more requests for now: slow down",
            7,
        ),
        (QuotaExhausted("tomorrow"), 503, "The provider takes no more requests for now: tomorrow", None),
        (ServerFailed("oops", status=500), 503, "The provider did not answer as it should: oops", None),
        (BadRequest("no such field", status=400), 422, "The provider refuses to describe it: no such field", None),
        (AuthRevoked("gone"), 422, "The provider does not accept the connection's credentials: gone", None),
    ],
)
def test_each_error_is_told_as_what_it_is(error: ProviderError, status: int, detail: str, after: float | None) -> None:
    problem = provider_problem(error, doing="describe it")
    assert (problem.status, problem.detail) == (status, detail)
    assert bool(problem.retryable) == error.retryable
    if after is None:
        assert problem.retry_after is None
    else:
        assert problem.retry_after is not None
        assert abs(problem.retry_after - datetime.now(UTC) - timedelta(seconds=after)) < timedelta(minutes=1)
        assert problem.remedy == "Try again after the moment in retryAfter."
