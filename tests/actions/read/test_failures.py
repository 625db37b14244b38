"""What a failed read does next."""

import random
from datetime import timedelta

import pytest

from conjunct.actions.read.failures import MAX_RESTARTS, MAX_TRIES, BeginAnew, GiveUp, TryAgain, Wait, decide
from conjunct.connectors import errors


def test_a_rate_limit_waits_as_long_as_the_provider_asks() -> None:
    assert decide(errors.RateLimited("slow down", retry_after=7), tries=0, restarts=0) == Wait(timedelta(seconds=7))


@pytest.mark.parametrize(
    ("error", "delay"),
    [
        (errors.RateLimited("slow down"), timedelta(seconds=30)),
        (errors.QuotaExhausted("tomorrow"), timedelta(hours=1)),
        (errors.RateLimited("now", retry_after=0), timedelta(seconds=1)),
        (errors.RateLimited("never", retry_after=10**9), timedelta(hours=24)),
    ],
)
def test_a_limit_without_a_sane_time_waits_a_sane_time(error: errors.ProviderError, delay: timedelta) -> None:
    assert decide(error, tries=0, restarts=0) == Wait(delay)


def test_a_rate_limit_is_never_given_up() -> None:
    assert isinstance(decide(errors.RateLimited("slow down"), tries=10**6, restarts=0), Wait)


def test_a_server_error_is_tried_again_later_and_later_then_given_up() -> None:
    error = errors.ServerFailed("oops", status=500)
    decisions = [decide(error, tries=tries, restarts=0, rng=random.Random(1)) for tries in range(MAX_TRIES)]
    *retries, last = decisions
    delays = [decision.delay for decision in retries if isinstance(decision, TryAgain)]
    assert len(delays) == MAX_TRIES - 1
    expected = [2, 8, 32, 128, 512, 1800, 1800]
    assert all(
        0.8 * wanted <= delay.total_seconds() <= 1.2 * wanted for wanted, delay in zip(expected, delays, strict=True)
    )
    assert last == GiveUp(hopeless=False)


def test_a_lost_page_token_begins_anew_a_few_times() -> None:
    error = errors.CursorGone("expired")
    assert decide(error, tries=0, restarts=0) == BeginAnew()
    assert decide(error, tries=0, restarts=MAX_RESTARTS) == GiveUp(hopeless=False)


@pytest.mark.parametrize("error", [errors.AuthInvalid("no"), errors.AuthRevoked("no")])
def test_bad_credentials_are_told_as_such(error: errors.ProviderError) -> None:
    assert decide(error, tries=0, restarts=0) == GiveUp(hopeless=True, bad_credentials=True)


@pytest.mark.parametrize(
    "error",
    [errors.BadRequest("no"), errors.AccessForbidden("no"), errors.ObjectMissing("no"), errors.FieldMissing("no")],
)
def test_what_trying_cannot_mend_is_given_up_at_once(error: errors.ProviderError) -> None:
    assert decide(error, tries=0, restarts=0) == GiveUp(hopeless=True)
