"""Credentials come back from their document as they went in, and never show in `repr`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from conjunct.connections.credentials import (
    OAuthTokens,
    StoredCredentials,
    Token,
    access_token,
    for_requests,
    from_document,
    shown,
    to_document,
)
from conjunct.connections.fields import Moment
from conjunct.connections.schemas import ConnectionRequest
from conjunct.connectors import ApiKey, Basic, Bearer
from conjunct.connectors.auth_definition import OAuth2

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
moments = st.none() | st.datetimes(timezones=st.just(UTC))
tokens = st.builds(Token, texts, moments, moments)
credentials = (
    st.builds(ApiKey, texts)
    | st.builds(Basic, texts, texts)
    | st.builds(OAuthTokens, tokens, st.none() | tokens, st.none() | st.lists(texts).map(tuple))
)

OAUTH = OAuth2(type="oauth2", token_url="https://example.com/token")


@given(credentials)
def test_a_document_holds_everything(value: StoredCredentials) -> None:
    assert from_document(to_document(value)) == value


@given(st.datetimes(timezones=st.builds(lambda h: timezone(timedelta(hours=h)), st.integers(-12, 14))))
def test_a_moment_is_kept_in_utc(moment: datetime) -> None:
    adapter: TypeAdapter[datetime] = TypeAdapter(Moment)
    try:
        expected = moment.astimezone(UTC)
    except OverflowError:
        with pytest.raises(ValueError, match="RFC 3339"):
            adapter.validate_python(moment.isoformat())
        return
    assert adapter.validate_python(moment.isoformat()) == expected


TOKENS = OAuthTokens(Token("secret-a", expires_at=datetime(2026, 1, 1, tzinfo=UTC)), Token("secret-r"), ("x",))


def test_requests_carry_the_access_token() -> None:
    assert for_requests(OAUTH, TOKENS) == Bearer("secret-a")
    assert for_requests(OAUTH, ApiKey("secret-k")) == ApiKey("secret-k")
    assert access_token(TOKENS) == TOKENS.access
    assert access_token(ApiKey("secret-k")) is None


def test_the_refresh_token_is_shown_only_by_name() -> None:
    assert "refreshToken" in shown(TOKENS, refresh_token=True)["oauth2AuthorizationCode"]
    assert "refreshToken" not in shown(TOKENS, refresh_token=False)["oauth2AuthorizationCode"]
    assert shown(Basic("ann", "secret-p"), refresh_token=True) == {}


@pytest.mark.parametrize("value", [TOKENS, ApiKey("secret-k"), Basic("ann", "secret-p"), Token("secret-t")])
def test_repr_shows_no_secret(value: object) -> None:
    assert "secret-" not in repr(value)


def test_a_request_shows_no_secret_in_repr() -> None:
    request = ConnectionRequest.model_validate(
        {
            "apiKey": "secret-1",
            "basicAuth": {"username": "secret-2", "password": "secret-3"},
            "oauth2AuthorizationCode": {"accessToken": {"token": "secret-4"}, "refreshToken": {"token": "secret-5"}},
            "oauth2ClientCredentials": {"clientId": "secret-6", "clientSecret": "secret-7"},
            "customAuth": {"seal": "secret-8"},
        }
    )
    assert "secret-" not in repr(request)
    assert "secret-" not in str(request)
