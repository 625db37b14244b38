"""Builders on the wire."""

from __future__ import annotations

from typing import Literal

from conjunct.tenants.schemas import Builder, Org, Project, Shape

PrincipalType = Literal["team", "builder"]


class ProjectRole(Shape):
    """What a builder is in a project, and through whom."""

    role: str
    principal_type: PrincipalType
    principal_id: str
    project: Project


class OrgRole(Shape):
    """What a builder is in their org: `owner` or `member`."""

    role: str
    principal_type: PrincipalType
    principal_id: str
    org: Org


class BuilderInfo(Shape):
    """A builder with their org, if they have one, and its projects by id."""

    builder: Builder
    project_roles: dict[str, ProjectRole]
    org_role: OrgRole | None = None
