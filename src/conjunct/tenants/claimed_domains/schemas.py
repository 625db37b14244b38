"""Claimed domains on the wire."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from conjunct.tenants.addresses import Domain
from conjunct.tenants.schemas import Shape


class ClaimDomain(Shape):
    """A domain to claim for an org."""

    domain: Domain = Field(description="A domain, or an email address or URL at it.")
    parent_id: Annotated[str, Field(max_length=200, description="The org's id.")]
    parent_type: Literal["org"]


class ClaimedDomain(Shape):
    """A domain that an org has claimed."""

    id: str
    parent_type: Literal["org"]
    parent_id: str = Field(description="The org's id.")
    domain: str
