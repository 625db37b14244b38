"""What is refused of orgs."""

from __future__ import annotations

from conjunct.core.problems import InvalidRequest, Issue, NotFound


class MembershipExists(InvalidRequest):
    """The builder who is to be added belongs to an org already."""

    slug = "membership-exists"
    title = "The builder belongs to an org already"

    def __init__(self, builder_id: str) -> None:
        super().__init__(
            "The builder belongs to an org already, and a builder has one org at most.",
            issues=[Issue("builderId", "belongs to an org already", value=builder_id[:100])],
        )


class NothingBilled(NotFound):
    """There are no billing accounts: nobody is billed for their own server."""

    slug = "nothing-billed"
    title = "There is no billing account"

    def __init__(self) -> None:
        super().__init__(
            "There is no billing account: this is a Conjunct of one's own, where nothing is billed.",
            remedy="Nothing needs to be done: everything may be used without an account.",
        )
