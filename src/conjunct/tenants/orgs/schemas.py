"""Orgs on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from conjunct.tenants.schemas import Shape

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class CreateOrg(Shape):
    """An org to make."""

    label: Label


class OrgChanges(Shape):
    """The values to take."""

    label: Label | None = None


class UpdateOrg(Shape):
    """A change: what `update_mask` names (`label`) is taken from `org`, the rest of it is ignored."""

    update_mask: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=20)]
    org: OrgChanges


class AddMember(Shape):
    """Whom to add."""

    builder_id: Annotated[str, Field(max_length=200)]


class PortalSession(Shape):
    """Where to come back to from a billing portal, and for how many seconds it stays open."""

    redirect_url: Annotated[str, Field(max_length=2000)]
    timeout: int | None = None
