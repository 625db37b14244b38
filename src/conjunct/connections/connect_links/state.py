"""A hosted link as its page sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class ConnectLink:
    """Who is to connect what to whose app, and how far they are. `error` is how the last attempt failed."""

    id: str
    project_id: str
    app_name: str
    providers: tuple[str, ...]
    provider_app_id: str | None
    group_ref: str
    group_name: str | None
    consumer_ref: str
    consumer_name: str | None
    return_url: str | None
    connection_id: str | None
    connect_time: datetime | None
    error: str | None
    expire_time: datetime

    @property
    def is_used(self) -> bool:
        """Whether the customer has connected; the connection may have been deleted since."""
        return self.connect_time is not None
