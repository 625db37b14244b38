"""What is refused of invites."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Forbidden, InvalidRequest, Issue, NotFound


class InviteNotFound(NotFound):
    """There is no such invite in the org, or none that can be accepted."""

    slug = "invite-not-found"
    title = "There is no such invite"


class InviteExists(Conflict):
    """Somebody has been invited to the org, and the invite is still good."""

    slug = "invite-exists"
    title = "There is such an invite already"

    def __init__(self, email: str) -> None:
        super().__init__(
            f"{email!r} has been invited to this org, and the invite is still good.",
            remedy="Let them accept it, or revoke it and invite them again.",
        )


class InviteAccepted(InvalidRequest):
    """An invite that has been accepted can not be revoked."""

    slug = "invite-accepted"
    title = "The invite has been accepted"

    def __init__(self, invite_id: str) -> None:
        super().__init__(
            "The invite has been accepted, so that there is nothing to revoke.",
            issues=[Issue("inviteId", "the invite has been accepted", location="path", value=invite_id[:100])],
        )


class InviteOfAnother(Forbidden):
    """Builders accept invites to their own email address only."""

    slug = "invite-of-another"
    title = "That is not your email address"

    def __init__(self) -> None:
        super().__init__(
            "An invite is accepted by whoever has the invited address, and that is not yours.",
            remedy="Give your own email address: `GET /v1/my-info` shows it.",
        )
