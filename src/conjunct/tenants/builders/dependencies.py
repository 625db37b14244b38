"""What endpoints about orgs and their people ask for."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Request

from conjunct.tenants.builders.service import BuilderService


async def builder_service(request: Request) -> BuilderService:
    """The process's builder service."""
    service: BuilderService = request.app.state.builders
    return service


Builders = Annotated[BuilderService, Depends(builder_service)]
OrgId = Annotated[str, Path(alias="orgId", description="The org's id.")]
