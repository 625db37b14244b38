"""The webhook, as a type of destination."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from conjunct.core.egress import Egress
from conjunct.core.problems import Issue, Unprocessable
from conjunct.delivery.destinations.contract import DestinationType, Secrets, Sender, Surroundings
from conjunct.delivery.destinations.webhook import signing
from conjunct.delivery.destinations.webhook.metadata import check_metadata
from conjunct.delivery.destinations.webhook.sender import WebhookSender


class Webhook:
    """See `DestinationType`. Its secrets are `{"signingKeys": [{"key", "validUntil"}]}`, the newest first."""

    name = "webhook"
    pushes = True
    metadata_fields = frozenset({"url", "headers"})
    secret_metadata_fields = frozenset({"headers"})

    async def check_metadata(self, metadata: Mapping[str, Any], around: Surroundings) -> dict[str, Any]:
        """See `DestinationType`."""
        return await check_metadata(metadata, around)

    def first_secrets(self, given: Mapping[str, Any], now: datetime) -> Secrets:
        """A fresh signing key; none can be chosen."""
        if given:
            raise Unprocessable(
                "A webhook takes no secrets: its signing key is made for it.",
                remedy="Leave out `secrets`, and put credentials that your server needs into `metadata.headers`.",
                issues=[Issue(f"secrets.{name}", "is not a secret of a webhook") for name in sorted(given)],
            )
        return {"signingKeys": signing.rotate([], now)}

    def rotate_secrets(self, secrets: Secrets, now: datetime) -> Secrets:
        """See `DestinationType`."""
        return {"signingKeys": signing.rotate(secrets["signingKeys"], now)}

    def show_secrets(self, secrets: Secrets) -> dict[str, str]:
        """The newest signing key."""
        return {"webhookSigningKey": secrets["signingKeys"][0]["key"]}

    def sender(self, metadata: Mapping[str, Any], secrets: Secrets, egress: Egress) -> Sender:
        """See `DestinationType`."""
        keys = [signing.SigningKey.parse(entry) for entry in secrets["signingKeys"]]
        return WebhookSender(metadata["url"], metadata.get("headers") or {}, keys, egress)


TYPE: DestinationType = Webhook()
