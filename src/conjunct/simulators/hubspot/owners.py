"""The people of the account, to whom records may belong. Facts only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_CREATED, _UPDATED = "2021-03-01T08:00:00.000Z", "2025-02-03T10:20:30.400Z"


@dataclass(frozen=True, slots=True)
class Owner:
    """Someone with an account."""

    id: str
    first_name: str
    last_name: str
    archived: bool = False

    def to_wire(self) -> dict[str, Any]:
        """The owner as `GET /crm/v3/owners/` tells it."""
        return {
            "id": self.id,
            "email": f"{self.first_name}.{self.last_name}@example.com".lower(),
            "type": "PERSON",
            "firstName": self.first_name,
            "lastName": self.last_name,
            "userId": int(self.id) % 1000,
            "userIdIncludingInactive": int(self.id) % 1000,
            "createdAt": _CREATED,
            "updatedAt": _UPDATED,
            "archived": self.archived,
        }


OWNERS = (
    Owner("82226101", "Ada", "Lovelace"),
    Owner("82226102", "Grace", "Hopper"),
    Owner("82226103", "Katherine", "Johnson"),
)
FORMER_OWNERS = (Owner("82226100", "Charles", "Babbage", archived=True),)
