"""Flows that begin on the page of a hosted link, and end there."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession


@dataclass(frozen=True, slots=True)
class LinkUse:
    """The link that a customer sets out from, with the token in its URL, which is the way back to it."""

    id: str
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class SetOut:
    """Where a customer set out from, to which provider."""

    project_id: str
    provider: str
    link: LinkUse


class LinkKeeper(Protocol):
    """Who sees to it that a link is used once. Both are called on the transaction that keeps the connection."""

    async def hold(self, session: AsyncSession, project_id: str, link_id: str) -> None:
        """Keep others from using the link; raises a `Problem` where it is used or gone."""
        ...

    async def use_up(self, session: AsyncSession, project_id: str, link_id: str, connection_id: str) -> None:
        """Note what the link has connected."""
        ...


def link_place(state_digest: bytes) -> str:
    """What the token of a flow's link is sealed for."""
    return f"oauth_flow:{state_digest.hex()}:link"
