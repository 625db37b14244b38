"""When tokens are renewed: within the last part of their lives, at moments of their own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials, Token
from conjunct.connections.renewal_times import RenewalTimes, before_end, renewal_times
from conjunct.connectors.auth import ApiKey, Basic
from conjunct.connectors.auth_definition import ApiKeyAuth, Auth, CustomAuth, OAuth2, TokenExchange
from conjunct.connectors.oauth import OAuthClient

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = 24 * 3600
PLAIN = OAuth2(type="oauth2", token_url="https://example.com/t")
DYING = OAuth2(type="oauth2", token_url="https://example.com/t", keep_alive=30 * DAY)


def token(seconds: float | None) -> Token:
    return Token("t", NOW, None if seconds is None else NOW + timedelta(seconds=seconds))


@given(st.floats(min_value=0, max_value=400 * DAY))
def test_an_access_token_is_renewed_in_the_last_tenth_to_quarter_of_its_life(life: float) -> None:
    moment = before_end(token(life), NOW)
    assert moment is not None
    left = (NOW + timedelta(seconds=life) - moment).total_seconds()
    least = max(life * 0.10, 60) if life > 300 else life * 0.10
    assert least - 1e-3 <= left <= max(life * 0.25, least) + 1e-3


@given(st.integers(min_value=60, max_value=400 * DAY))
def test_a_refresh_token_is_renewed_after_half_to_four_fifths_of_the_time_that_it_may_stay_unused(unused: int) -> None:
    auth = OAuth2(type="oauth2", token_url="https://example.com/t", keep_alive=unused)
    moment = renewal_times(auth, OAuthTokens(token(None), token(None)), NOW).keep_alive_at
    assert moment is not None
    assert unused * 0.5 - 1e-3 <= (moment - NOW).total_seconds() <= unused * 0.8 + 1e-3


def test_tokens_of_one_moment_are_not_renewed_at_one_moment() -> None:
    assert len({before_end(token(3600), NOW) for _ in range(20)}) > 10


def test_what_has_no_end_is_not_renewed_before_it() -> None:
    times = renewal_times(DYING, OAuthTokens(token(None), token(None)), NOW)
    assert times.refresh_at is None
    assert times.keep_alive_at is not None


def test_what_cannot_be_renewed_is_never_due() -> None:
    exchange = TokenExchange(url="https://example.com/t")
    hopeless: list[tuple[Auth, StoredCredentials]] = [
        (ApiKeyAuth(type="apiKey"), ApiKey("k")),
        (PLAIN, Basic("u", "p")),
        (DYING, OAuthTokens(token(60))),
        (CustomAuth(type="custom"), CustomCredentials({}, token(60))),
        (CustomAuth(type="custom", token=exchange), CustomCredentials({})),
    ]
    for auth, credentials in hopeless:
        assert renewal_times(auth, credentials, NOW) == RenewalTimes()
    client = OAuthTokens(token(60), client=OAuthClient("id", "secret"))
    assert renewal_times(DYING, client, NOW).keep_alive_at is None
    assert renewal_times(DYING, client, NOW).refresh_at is not None
    bought = CustomCredentials({}, token(60))
    assert renewal_times(CustomAuth(type="custom", token=exchange), bought, NOW).refresh_at is not None
