"""Invites on the wire."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from conjunct.tenants.addresses import Email
from conjunct.tenants.schemas import Shape


class CreateInvite(Shape):
    """Whom to invite."""

    email: Email


class AcceptInvite(Shape):
    """The address that was invited, which is the caller's own."""

    invited_email: Email


class Invite(Shape):
    """An invite to an org."""

    id: str
    invited_email: str
    parent_type: Literal["org"]
    parent_id: str
    status: Literal["pending", "accepted", "revoked", "expired"]
    create_time: datetime
    update_time: datetime | None = None
