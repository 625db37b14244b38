"""The feed, as a type of destination: for builders whose servers cannot be reached from outside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conjunct.core.egress import Egress
from conjunct.core.problems import Issue, Unprocessable
from conjunct.delivery.destinations.contract import DestinationType, Secrets, Surroundings


class Feed:
    """See `DestinationType`. It has neither metadata nor secrets: the project's API keys open it."""

    name = "feed"
    pushes = False
    metadata_fields: frozenset[str] = frozenset()
    secret_metadata_fields: frozenset[str] = frozenset()

    async def check_metadata(self, metadata: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:  # noqa: ARG002
        """None."""
        _refuse("metadata", metadata)
        return {}

    def first_secrets(self, given: Mapping[str, Any], now: datetime) -> Secrets:  # noqa: ARG002
        """None."""
        _refuse("secrets", given)
        return {}

    def rotate_secrets(self, secrets: Secrets, now: datetime) -> Secrets:  # noqa: ARG002
        """There is nothing to rotate."""
        return secrets

    def show_secrets(self, secrets: Secrets) -> dict[str, str]:  # noqa: ARG002
        """None."""
        return {}

    def sender(self, metadata: Mapping[str, Any], secrets: Secrets, egress: Egress) -> None:  # noqa: ARG002
        """Nothing is ever sent."""
        return


def _refuse(group: str, given: Mapping[str, Any]) -> None:
    if given:
        raise Unprocessable(
            f"A feed takes no {group}: its messages are pulled with an API key of the project.",
            remedy=f"Send `{group}` as an empty object.",
            issues=[Issue(f"{group}.{name[:100]}", "is not one of a feed") for name in sorted(given)],
        )


TYPE: DestinationType = Feed()
