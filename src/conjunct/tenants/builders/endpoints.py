"""The builder who is calling, over HTTP."""

from __future__ import annotations

from fastapi import Response

from conjunct.core.http import DatabaseDep, api_router, json_bytes
from conjunct.tenants.builders.dependencies import Builders
from conjunct.tenants.builders.schemas import BuilderInfo
from conjunct.tenants.dependencies import BuilderDep

router = api_router(tags=["User"])


@router.get("/my-info", operation_id="getMyInfo", response_model=BuilderInfo)
async def get_my_info(caller: BuilderDep, builders: Builders, database: DatabaseDep) -> Response:
    """Who you are, with your org, its projects, and what you are there."""
    async with database.reading() as reading:
        return json_bytes(await builders.info_json(reading, caller))
