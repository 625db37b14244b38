"""`/metrics` on the API's own port, for those who have the token."""

from __future__ import annotations

import hmac

from fastapi import HTTPException, Request, Response
from pydantic import SecretStr

from conjunct.app.monitoring.monitor import Monitor
from conjunct.core.http import api_router
from conjunct.core.problems import Unauthorized

router = api_router(include_in_schema=False)


@router.get("/metrics")
async def metrics(request: Request) -> Response:
    """The metrics of this API and of the whole platform, in Prometheus' format."""
    token: SecretStr | None = getattr(request.app.state, "metrics_token", None)
    monitor: Monitor | None = getattr(request.app.state, "monitor", None)
    if token is None or monitor is None:
        raise HTTPException(404)  # as for any path that there is not
    if not _is(token, request.headers.get("Authorization", "")):
        raise Unauthorized(
            "The metrics need their token.",
            remedy="Send `Authorization: Bearer <token>` with the value of CONJUNCT_METRICS_TOKEN.",
        )
    page, media_type = await monitor.page()
    return Response(page, media_type=media_type)


def _is(token: SecretStr, given: str) -> bool:
    scheme, _, value = given.partition(" ")
    same = hmac.compare_digest(value.strip().encode("utf-8", "replace"), token.get_secret_value().encode())
    return same and scheme.lower() == "bearer"
