"""Provider apps: register, change and remove OAuth clients, and open one to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections.named_providers import named_definition
from conjunct.connections.provider_apps.checks import check_app, read_mask
from conjunct.connections.provider_apps.models import ProviderAppRow
from conjunct.connections.provider_apps.problems import (
    NotAnOAuthProvider,
    ProviderAppExists,
    ProviderAppInUse,
    ProviderAppNotFound,
)
from conjunct.connections.provider_apps.repository import ProviderAppRepository
from conjunct.connections.provider_apps.schemas import CreateProviderApp, ProviderAppChanges, UpdateProviderApp
from conjunct.connectors.auth_definition import CustomAuth, OAuth2
from conjunct.connectors.oauth import OAuthClient
from conjunct.core.encryption import Keyring
from conjunct.core.paging import WHOLE, Items, Page
from conjunct.core.problems import Issue
from conjunct.kit.ids import new_id
from conjunct.providers import ProjectProviders
from conjunct.tenants import ProjectKeys


@dataclass(frozen=True, slots=True)
class OpenedApp:
    """A provider app in use. `scopes` are None where the builder leaves them to the provider's definition."""

    id: str
    provider: str
    client: OAuthClient
    scopes: tuple[str, ...] | None
    auth_params: Mapping[str, Sequence[str]]


class ProviderAppService:
    """What the API and the OAuth flows ask of provider apps, on the caller's transaction."""

    def __init__(self, *, keys: ProjectKeys, providers: ProjectProviders) -> None:
        self._keys = keys
        self._providers = providers

    async def list_page(self, session: AsyncSession | AsyncConnection, project_id: str, page: Page = WHOLE) -> Items:
        """A page of the project's provider apps, oldest first."""
        return await ProviderAppRepository(session).list_page(project_id, page)

    async def get_json(self, session: AsyncSession | AsyncConnection, project_id: str, app_id: str) -> str:
        """One provider app as JSON. Raises `ProviderAppNotFound`."""
        found = await ProviderAppRepository(session).get_json(project_id, app_id)
        if found is None:
            raise ProviderAppNotFound(app_id)
        return found

    async def create(self, session: AsyncSession, project_id: str, given: CreateProviderApp) -> str:
        """Register a client; returns the app's id.

        Raises `NoSuchProvider`, `NotAnOAuthProvider`, `ProviderAppExists`, and `InvalidRequest` with an issue a fault.
        """
        check_app(await self._auth_of(session, project_id, given.provider), given)
        app_id = new_id()
        values = _columns(given, app_id, await self._keys.keyring(session, project_id))
        if not await ProviderAppRepository(session).add(id=app_id, project_id=project_id, **values):
            raise _exists(given)
        return app_id

    async def update(self, session: AsyncSession, project_id: str, app_id: str, change: UpdateProviderApp) -> None:
        """Change what the update mask names.

        Raises `InvalidUpdateMask`, `ProviderAppNotFound`, `ProviderAppInUse` (for another provider), and as `create`.
        """
        given = read_mask(change)
        apps = ProviderAppRepository(session)
        row = await apps.find(project_id, app_id, lock=True)
        if row is None:
            raise ProviderAppNotFound(app_id)
        provider = given.provider or row.provider
        check_app(await self._auth_of(session, project_id, provider), given, at="providerApp.")
        if provider != row.provider:
            await _refuse_if_used(apps, row, "move it to another provider")
        values = _columns(given, app_id, await self._keys.keyring(session, project_id))
        if not await apps.change(project_id, app_id, **values):
            raise _exists(given)

    async def delete(self, session: AsyncSession, project_id: str, app_id: str) -> None:
        """Remove an app that no connection uses. Raises `ProviderAppNotFound`, `ProviderAppInUse`."""
        apps = ProviderAppRepository(session)
        row = await apps.find(project_id, app_id, lock=True)
        if row is None:
            raise ProviderAppNotFound(app_id)
        await _refuse_if_used(apps, row, "delete it")
        await apps.delete(project_id, app_id)

    async def open(
        self, session: AsyncSession, project_id: str, app_id: str, *, keep: bool = False
    ) -> OpenedApp | None:
        """The app with its secret, or None; with `keep`, it cannot be deleted until the transaction ends."""
        row = await ProviderAppRepository(session).find(project_id, app_id, share=keep)
        return None if row is None else await self._opened(session, row)

    async def open_by_client(
        self, session: AsyncSession, project_id: str, provider: str, client_id: str
    ) -> OpenedApp | None:
        """The app with that client id at the provider, the oldest if there are several, or None."""
        row = await ProviderAppRepository(session).oldest(project_id, provider, client_id=client_id)
        return None if row is None else await self._opened(session, row)

    async def require(self, session: AsyncSession, project_id: str, app_id: str, provider: str) -> OpenedApp:
        """The app of that provider. Raises `ProviderAppNotFound`."""
        app = await self.open(session, project_id, app_id)
        if app is None or app.provider != provider:
            raise ProviderAppNotFound(app_id)
        return app

    async def open_default(self, session: AsyncSession, project_id: str, provider: str) -> OpenedApp | None:
        """The app that is used for a provider when none is named, the oldest one; None when there is none."""
        row = await ProviderAppRepository(session).oldest(project_id, provider)
        return None if row is None else await self._opened(session, row)

    async def _opened(self, session: AsyncSession, row: ProviderAppRow) -> OpenedApp:
        keyring = await self._keys.keyring(session, row.project_id)
        secret = keyring.decrypt(row.sealed_secret, secret_place(row.id)).decode()
        return OpenedApp(
            id=row.id,
            provider=row.provider,
            client=OAuthClient(row.client_id, secret, (row.metadata_ or {}).get("providerParams") or {}),
            scopes=tuple(row.scopes) if row.scopes else None,
            auth_params=(row.metadata_ or {}).get("authQueryParams") or {},
        )

    async def _auth_of(self, session: AsyncSession, project_id: str, provider: str) -> OAuth2 | CustomAuth:
        definition = await named_definition(self._providers, session, project_id, provider)
        auth = definition.auth
        if isinstance(auth, OAuth2) and auth.grant == "authorization_code":
            return auth
        if isinstance(auth, CustomAuth) and auth.app_inputs:
            return auth
        detail = f"{definition.display} is not connected through an OAuth client of yours."
        raise NotAnOAuthProvider(
            detail,
            remedy="It needs no provider app: customers give their own credentials.",
            issues=[Issue("provider", detail, value=provider)],
        )


async def _refuse_if_used(apps: ProviderAppRepository, row: ProviderAppRow, what: str) -> None:
    uses = await apps.uses(row.project_id, row.id)
    if uses:
        raise ProviderAppInUse(
            f"{uses} connection(s) were made with this provider app; you cannot {what} before they are gone.",
            remedy="Delete these connections first, or let their customers connect again with another provider app.",
        )


def _columns(given: ProviderAppChanges, app_id: str, keyring: Keyring) -> dict[str, Any]:
    """The columns of what is set in `given`."""
    named = given.model_fields_set
    values: dict[str, Any] = {
        name: getattr(given, name) for name in ("external_ref", "provider", "client_id", "scopes") if name in named
    }
    if given.client_secret is not None:
        secret = given.client_secret.get_secret_value().encode()
        values["sealed_secret"] = keyring.encrypt(secret, secret_place(app_id))
    if "metadata" in named:
        metadata = given.metadata
        values["metadata_"] = metadata and metadata.model_dump(by_alias=True, exclude_none=True)
    return values


def _exists(given: ProviderAppChanges) -> ProviderAppExists:
    return ProviderAppExists(
        "The project has a provider app with this client of the provider already.",
        remedy="Update that one, or give this one another externalRef to keep both.",
        issues=[Issue("clientId", "it is registered already", value=given.client_id)],
    )


def secret_place(app_id: str) -> str:
    """What a client secret is sealed for."""
    return f"provider_app:{app_id}:client_secret"
