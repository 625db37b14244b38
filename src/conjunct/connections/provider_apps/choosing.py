"""Which provider app a flow is gone through with."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.connections.provider_apps.problems import AuthorizationNotPossible
from conjunct.connections.provider_apps.service import OpenedApp, ProviderAppService
from conjunct.connectors import Definition
from conjunct.core.problems import Issue


async def app_for(
    apps: ProviderAppService,
    session: AsyncSession,
    project_id: str,
    definition: Definition,
    app_id: str | None,
    *,
    keep: bool = False,
) -> OpenedApp:
    """The app of this id, or the project's oldest one for the provider. Raises `AuthorizationNotPossible`.

    With `keep`, one that is named cannot be deleted until the transaction ends.
    """
    name = definition.display
    if app_id is None:
        app = await apps.open_default(session, project_id, definition.name)
        if app is None:
            raise AuthorizationNotPossible(
                f"This project has no provider app for {name}.",
                remedy=f"Register an OAuth client with {name}, and make a provider app of its id and secret.",
                issues=[Issue("provider", "there is no provider app for it", value=definition.name)],
            )
        return app
    app = await apps.open(session, project_id, app_id, keep=keep)
    if app is None or app.provider != definition.name:
        detail = f"This project has no provider app {app_id!r} for {name}."
        raise AuthorizationNotPossible(
            detail,
            remedy="List the provider apps of the project to see their ids.",
            issues=[Issue("providerAppId", detail, value=app_id)],
        )
    return app
