"""What connections count."""

from __future__ import annotations

from conjunct.core.metrics import Counter

REFRESHES = Counter(
    "token_refreshes_total",
    "Requests for a new access token: refreshed, superseded (others came first), or the kind of the provider's error.",
    ("provider", "outcome"),
)
