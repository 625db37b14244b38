"""The API: every slice's routers on one application, and what all requests pass."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Depends, FastAPI
from fastapi.telemetry import TelemetryConfig
from starlette.requests import Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from conjunct import (
    __version__,
    connections,
    delivery,
    installations,
    integrations,
    notifications,
    operations,
    providers,
    web,
)
from conjunct.actions import read, search, write
from conjunct.app import health, monitoring
from conjunct.app.cors import Cors
from conjunct.app.middleware import BodyLimit, ProxySurface, RequestContext, RouteNoted, SurfaceRouting, WriteRouting
from conjunct.app.openapi import openapi_of
from conjunct.core.problem_responses import install_problem_handlers
from conjunct.core.problems import Problem
from conjunct.core.settings import Settings
from conjunct.tenants import api_keys, audit, builders, claimed_domains, invites, jwt_keys, orgs, projects
from conjunct.tenants.audit import audited
from conjunct.tenants.dependencies import caller_of
from conjunct.tenants.idempotency import idempotent

if TYPE_CHECKING:
    from conjunct.app.monitoring import Monitor
    from conjunct.app.services import Services

UPLOAD_BYTES = 10 * 1024 * 1024

# FastAPI's own spans and logs, for which a variable in the environment is enough, would hold whole addresses and what
# exceptions say: links' tokens, OAuth's codes, customers' data. Requests are traced by RequestContext.
NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}

PLATFORM = (
    projects.router,
    builders.router,
    orgs.router,
    orgs.billing_router,
    invites.router,
    claimed_domains.router,
    audit.router,
    api_keys.router,
    jwt_keys.router,
    connections.oauth_router,  # before the one whose path of a connection takes `…:oauth-update` for an id
    connections.router,
    connections.custom_auth_router,
    connections.provider_apps_router,
    connections.connect_links_router,
    connections.transfer_router,
    delivery.router,
    delivery.payload_router,
    delivery.feed_router,
    delivery.deliveries_router,
    installations.router,
    installations.history_router,
    installations.hydration_router,  # before the revisions, whose path takes `…:hydrate` for an id
    installations.metadata_router,
    installations.fields_router,
    integrations.router,
    integrations.history_router,
    notifications.router,
    operations.router,
    providers.router,
    read.progress_router,
)


class _Api(FastAPI):
    """FastAPI, whose answers to unexpected errors have a request id too, and can be read by web pages."""

    cors_origins: tuple[str, ...] = ()

    def openapi(self) -> dict[str, Any]:
        return openapi_of(self)

    def build_middleware_stack(self) -> ASGIApp:
        # What is added by `add_middleware` stands within what answers unexpected errors, and never sees those answers.
        platform = RequestContext(Cors(super().build_middleware_stack(), origins=self.cors_origins))
        return ProxySurface(platform, proxy=Cors(self.state.proxy, origins=self.cors_origins))


@cache
def _routes() -> list[BaseRoute]:
    """Every slice's routes. They know no settings and no services, and are made once: that takes a while."""
    router = APIRouter(dependencies=[Depends(audited), Depends(idempotent)])
    for each in PLATFORM:
        router.include_router(each, prefix="/v1")
    # The platform's own address answers reads as well: clients that know one address only use it for all. Writes come
    # there too, and are sent on by WriteRouting.
    for prefix in ("/read/v1", "/v1"):
        router.include_router(read.router, prefix=prefix, include_in_schema=prefix == "/v1")
    router.include_router(write.router, prefix="/write/v1")
    router.include_router(search.router, prefix="/search/v1")
    router.include_router(web.router)
    router.include_router(web.connect_router)
    router.include_router(health.router)
    router.include_router(monitoring.router)
    return router.routes


async def _project_of(request: Request) -> str | None:
    """The project whose credential a request has that needs none; a bad one opens what is open to all."""
    if not {"x-api-key", "authorization"} & set(request.headers.keys()):
        return None
    try:
        return (await caller_of(request)).project_id
    except Problem:
        return None


def create_api(settings: Settings, services: Services, monitor: Monitor | None = None) -> FastAPI:
    """The application, over services that are open; `monitor` has the metrics for those who have their token."""
    app = _Api(
        title="Conjunct",
        version=__version__,
        openapi_url="/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        telemetry=NO_TELEMETRY,
        redirect_slashes=False,  # a redirect would repeat the request at whatever address its Host header names
    )
    services.install(app.state)
    app.state.monitor, app.state.metrics_token = monitor, settings.metrics_token
    app.state.project_of = _project_of
    install_problem_handlers(app)
    app.router.routes.extend(_routes())
    app.add_middleware(RouteNoted)
    app.add_middleware(WriteRouting)
    app.add_middleware(BodyLimit, limit=settings.max_body_bytes, longer={"/v1/uploads": UPLOAD_BYTES})
    app.add_middleware(SurfaceRouting)
    app.cors_origins = settings.cors_origins
    return app
