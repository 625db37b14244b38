"""What a provider's errors become where somebody waits for the answer: problems, in the provider's own words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from conjunct.connectors import ProviderError
from conjunct.installations.problems import ProviderRefused, ProviderUnavailable


def provider_problem(error: ProviderError, *, doing: str) -> ProviderRefused | ProviderUnavailable:
    """The problem for an error; `doing` says what was asked, as in "refuses to describe it"."""
    if error.origin == "credentials":
        remedy = "Let the customer connect again, with access to this object."
        return ProviderRefused(f"The provider does not accept the credentials: {error.message}", remedy=remedy)
    if error.origin == "caller":
        return ProviderRefused(f"The provider refuses to {doing}: {error.message}")
    later = datetime.now(UTC) + timedelta(seconds=error.retry_after) if error.retry_after is not None else None
    return ProviderUnavailable(
        f"The provider did not answer as it should: {error.message}",
        remedy="Try again in a moment.",
        retryable=error.retryable,
        retry_after=later,
    )
