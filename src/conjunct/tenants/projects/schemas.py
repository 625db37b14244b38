"""Projects on the wire."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from conjunct.tenants.caller import FrontendAccess
from conjunct.tenants.schemas import Shape


class CreateProject(Shape):
    """A project to make. What is wrong with it is told as a 422 with every fault, what is missing included."""

    model_config = ConfigDict(json_schema_extra={"required": ["appName", "name", "orgId"]})

    app_name: str = Field("", description="What customers see when they connect; at most 128 characters.")
    name: str = Field("", description="2 to 128 letters, digits and hyphens; kept in lower case; unique in the org.")
    org_id: str = Field("", description="Your org's id.")


class ProjectChanges(Shape):
    """The values to take."""

    app_name: str | None = None
    name: str | None = None
    frontend_access: set[FrontendAccess] | None = Field(
        None,
        description="What frontend keys and customers' JWTs may do besides: proxy, write. Ampersand has no such key.",
    )


class UpdateProject(Shape):
    """A change: what `update_mask` names (`appName`, `name`, `frontendAccess`) is taken from `project`, and no more."""

    update_mask: Annotated[list[Annotated[str, Field(max_length=200)]], Field(max_length=20)]
    project: ProjectChanges
