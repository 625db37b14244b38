"""What is refused of claimed domains."""

from __future__ import annotations

from conjunct.core.problems import Conflict, Forbidden, NotFound


class DomainNotClaimed(NotFound):
    """Nobody has claimed the domain, or the caller may not know."""

    slug = "domain-not-claimed"
    title = "The domain is not claimed"

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"No org that you may see has claimed {domain!r}.",
            remedy="You see claims on the domain of your own email address, and those of an org that you own.",
        )


class DomainNotYours(Forbidden):
    """Builders may claim the domain of their own email address only."""

    slug = "domain-not-yours"
    title = "That is not the domain of your email address"

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"Your email address is not at {domain!r}.",
            remedy="Claim the domain of your own email address, or let an owner who has an address there claim it.",
        )


class DomainClaimed(Conflict):
    """Another org has claimed the domain."""

    slug = "domain-claimed"
    title = "Another org has claimed the domain"

    def __init__(self, domain: str) -> None:
        super().__init__(
            f"Another org has claimed {domain!r}.",
            remedy="Add yourself to that org with addUserToOrg, or let its owner invite you.",
        )
