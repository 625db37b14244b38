"""A destination opened for sending: its address and keys decrypted once, for many messages."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from conjunct.core.encryption import Keyring
from conjunct.delivery.destinations.contract import Sender
from conjunct.delivery.terms import PLAIN, Terms

LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Channel:
    """Opened at `opened_at`; a change of the destination is seen only by channels opened later.

    Without a `sender` messages are kept to be pulled, and not sent.
    """

    project_id: str
    destination_id: str
    destination_name: str
    destination_type: str
    opened_at: datetime
    sender: Sender | None = field(repr=False)
    keyring: Keyring = field(repr=False)
    terms: Terms = PLAIN

    def is_stale(self, now: datetime) -> bool:
        """Whether it is time to open the destination again."""
        return now - self.opened_at >= LIFETIME
