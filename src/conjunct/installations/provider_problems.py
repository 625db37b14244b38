"""What a provider's errors become where somebody waits for the answer: problems, in the provider's own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conjunct.connections import CredentialsRefused
from conjunct.connectors import ProviderError
from conjunct.connectors.errors import AuthInvalid, AuthRevoked, HeldBack, QuotaExhausted, RateLimited
from conjunct.installations.problems import ProviderRefused, ProviderUnavailable

CONNECT_AGAIN = "Let the customer connect again."


def provider_problem(error: ProviderError, *, doing: str) -> CredentialsRefused | ProviderRefused | ProviderUnavailable:
    """The problem for an error; `doing` says what was asked, as in "refuses to describe it"."""
    if isinstance(error, AuthInvalid | AuthRevoked):
        return CredentialsRefused(credentials_refused(error), remedy=CONNECT_AGAIN)
    if error.origin == "credentials":
        remedy = "Let the customer connect again, with access to this object."
        return ProviderRefused(f"The connection's credentials are not good for it: {error.message}", remedy=remedy)
    if error.origin == "caller":
        return ProviderRefused(f"The provider refuses to {doing}: {error.message}")
    later = datetime.now(UTC) + timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    return ProviderUnavailable(
        what_failed(error),
        remedy="Try again in a moment." if later is None else "Try again after the moment in retryAfter.",
        retryable=error.retryable,
        retry_after=later,
    )


def what_failed(error: ProviderError) -> str:
    """What there is to say of an error that is neither the caller's nor the credentials'."""
    if isinstance(error, HeldBack):
        return f"Conjunct waits, so as to stay within the provider's limits, and has not asked: {error.message}."
    if isinstance(error, RateLimited | QuotaExhausted):
        return f"The provider takes no more requests for now: {error.message}"
    return f"The provider did not answer as it should: {error.message}"


def credentials_refused(error: AuthInvalid | AuthRevoked) -> str:
    """What there is to say of credentials that the provider takes for nothing."""
    return f"The provider does not accept the connection's credentials: {error.message}"
