"""What an operator decides about delivery, as plain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network


@dataclass(frozen=True, slots=True)
class DeliveryOptions:
    """Timeouts are in seconds. `public_url` is the origin under which destinations reach the API, for downloads.

    `project_slots` is how many jobs of a project run at once over all workers.
    """

    public_url: str
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    timeout: float = 30.0
    first_timeout: float = 10.0
    concurrency: int = 16
    spool_limit_bytes: int = 1024**3
    attempts_kept: timedelta = timedelta(days=30)
    project_slots: int = 20
    messages_per_second: int | None = None
