"""Installations: save what was planned, find them, delete them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, func
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections import ConnectionService
from conjunct.connectors import Connector
from conjunct.core.paging import Items, Page
from conjunct.installations.content import ConfigContent
from conjunct.installations.following import Carried, with_retained
from conjunct.installations.health import Trouble
from conjunct.installations.planning import Edit, Plan, Planner
from conjunct.installations.problems import (
    GroupNotInstalled,
    InstallationExists,
    InstallationNotFound,
)
from conjunct.installations.read_objects import resolve_read_objects
from conjunct.installations.repository import InstallationRepository
from conjunct.installations.schemas import CreateInstallation
from conjunct.installations.state import InstallationListener, InstallationState
from conjunct.integrations import IntegrationNotFound, IntegrationService
from conjunct.kit.ids import new_id
from conjunct.manifests import IntegrationObject

_MAX_DETAIL = 1000


class InstallationService:
    """What the API and the actions ask of installations, on the caller's transaction.

    `finest_schedule` is the shortest time between two scheduled reads that a config may ask for.
    """

    def __init__(
        self,
        integrations: IntegrationService,
        connections: ConnectionService,
        finest_schedule: timedelta = timedelta(minutes=10),
    ) -> None:
        self._integrations = integrations
        self._connections = connections
        self._planner = Planner(integrations, connections, finest_schedule)
        self._listeners: list[InstallationListener] = []

    def add_listener(self, listener: InstallationListener) -> None:
        """Have `listener` told of changes, on their transaction. The composition root calls this."""
        self._listeners.append(listener)

    async def list_page(
        self, connection: AsyncConnection, project_id: str, page: Page, *, group_ref: str | None
    ) -> Items:
        """A page of the project's installations, oldest first, as JSON of the specification."""
        return await InstallationRepository(connection).list_page(project_id, page, group_ref)

    async def list_of_integration(
        self, connection: AsyncConnection, project_id: str, page: Page, integration: str, *, group_ref: str | None
    ) -> Items:
        """A page of an integration's installations, oldest first, as JSON; raises IntegrationNotFound."""
        found = await InstallationRepository(connection).list_of_integration(project_id, page, integration, group_ref)
        if found is None:
            raise IntegrationNotFound(integration)
        return found

    async def get_json(
        self, connection: AsyncConnection | AsyncSession, project_id: str, integration: str, installation_id: str
    ) -> str:
        """One installation as JSON of the specification; raises InstallationNotFound."""
        found = await InstallationRepository(connection).get_json(project_id, integration, installation_id)
        if found is None:
            raise InstallationNotFound(installation_id)
        return found

    async def load(self, session: AsyncSession, project_id: str, installation_id: str) -> InstallationState:
        """The installation with its config worked out; raises InstallationNotFound."""
        states = await self.load_all(session, project_id, [installation_id])
        if not states:
            raise InstallationNotFound(installation_id)
        return states[0]

    async def load_all(self, session: AsyncSession, project_id: str, ids: Sequence[str]) -> list[InstallationState]:
        """Those of the installations that exist, ordered by id."""
        rows = await InstallationRepository(session).load(project_id, ids)
        return [await self._state(session, row) for row in rows]

    async def load_of_connection(
        self, session: AsyncSession, project_id: str, connection_id: str
    ) -> list[InstallationState]:
        """The installations that use a connection, ordered by id."""
        rows = await InstallationRepository(session).load_of_connection(project_id, connection_id)
        return [await self._state(session, row) for row in rows]

    async def load_at(
        self, session: AsyncSession, project_id: str, installation_id: str, config_id: str
    ) -> InstallationState | None:
        """The installation with a config that it has or had, for a run that began with it; None when it is gone."""
        row = await InstallationRepository(session).load_at(project_id, installation_id, config_id)
        return None if row is None else await self._state(session, row)

    async def require(
        self,
        session: AsyncSession,
        project_id: str,
        integration: str,
        installation_id: str,
        *,
        group_ref: str | None = None,
    ) -> InstallationState:
        """The installation of this integration (id or name), and of this group where one is given.

        Raises InstallationNotFound.
        """
        state = await self.load(session, project_id, installation_id)
        if integration not in (state.integration_id, state.integration_name) or group_ref not in (
            None,
            state.group_ref,
        ):
            raise InstallationNotFound(installation_id)
        return state

    async def is_of_group(
        self, connection: AsyncConnection | AsyncSession, project_id: str, installation_id: str, group_ref: str
    ) -> bool:
        """Whether there is such an installation, and it is this group's."""
        return await InstallationRepository(connection).is_of_group(project_id, installation_id, group_ref)

    async def require_by_group(
        self, session: AsyncSession, project_id: str, integration: str, group_ref: str
    ) -> InstallationState:
        """The installation of an integration by a group; raises GroupNotInstalled."""
        state = await self.find_by_group(session, project_id, integration, group_ref)
        if state is None:
            raise GroupNotInstalled(
                f"The group {group_ref!r} has no installation of the integration {integration!r}.",
                remedy="Check the group's reference and the integration; install it for the group first.",
            )
        return state

    async def find_by_group(
        self, session: AsyncSession, project_id: str, integration: str, group_ref: str
    ) -> InstallationState | None:
        """The installation of an integration (id or name) by a group."""
        row = await InstallationRepository(session).of_group(project_id, integration, group_ref)
        return None if row is None else await self._state(session, row)

    async def keep(self, session: AsyncSession, project_id: str, installation_id: str) -> bool:
        """Let nobody delete or change the installation before the transaction ends; False when it is gone.

        To be called before anything is locked that follows the installation, such as what it reads.
        """
        return await InstallationRepository(session).keep(project_id, installation_id)

    async def report_trouble(
        self, session: AsyncSession, project_id: str, installation_id: str, object_name: str, kind: Trouble, detail: str
    ) -> None:
        """Note what is the matter with an object (the provider's name of it); the installation must be kept."""
        await InstallationRepository(session).add_trouble(
            project_id=project_id,
            installation_id=installation_id,
            object_name=object_name,
            kind=kind,
            detail=detail[:_MAX_DETAIL],
        )

    async def end_trouble(
        self,
        session: AsyncSession,
        project_id: str,
        installation_id: str,
        object_names: Collection[str],
        *kinds: Trouble,
    ) -> None:
        """Note that these troubles of these objects are over, if there were any."""
        await InstallationRepository(session).end_troubles(project_id, installation_id, object_names, kinds)

    async def plan_creation(
        self, session: AsyncSession, project_id: str, integration: str, request: CreateInstallation
    ) -> Plan:
        """What a request to install asks for; see `Planner.creation`.

        An installation that made itself and has nothing chosen yet is changed: whoever installs it need not know of it.
        """
        plan = await self._planner.creation(session, project_id, integration, request)
        where = project_id, plan.integration_id, request.group_ref
        existing = await self.find_by_group(session, *where)
        if existing is not None:
            await InstallationRepository(session).lock(project_id, existing.id)
            existing = await self.find_by_group(session, *where)  # it may have been deleted or changed since
        return replace(plan, previous=existing) if existing and existing.content.chooses_nothing else plan

    async def plan_change(
        self,
        session: AsyncSession,
        project_id: str,
        integration: str,
        installation_id: str,
        edit: Edit,
        *,
        group_ref: str | None = None,
    ) -> Plan:
        """What `edit` makes of an installation, of this group where one is given; it is locked.

        Raises InstallationNotFound, and what `Planner.change` raises.
        """
        row = await self._integrations.find(session, project_id, integration, lock="keep")
        await InstallationRepository(session).lock(project_id, installation_id)
        previous = await self.require(session, project_id, row.id, installation_id, group_ref=group_ref)
        return await self._planner.change(session, previous, edit)

    async def plan_following(self, session: AsyncSession, state: InstallationState, revision_id: str) -> Plan:
        """What carries an installation over to a later revision, as it is."""
        return await self._planner.following(session, state, revision_id)

    async def connector(self, session: AsyncSession, plan: Plan) -> Connector:
        """The provider, as the planned installation would reach it. Call it after the transaction is over."""
        module = plan.config.integration.module
        return await self._connections.connector(session, plan.project_id, plan.connection_id, module=module)

    async def save(self, session: AsyncSession, plan: Plan) -> str:
        """Do what was planned, in the transaction that planned it; returns the installation's id.

        Raises InstallationExists when the group has installed the integration already.
        """
        repository = InstallationRepository(session)
        installation_id = plan.previous.id if plan.previous else new_id()
        config_id = new_id()
        if plan.previous is None:
            added = await repository.add(
                id=installation_id,
                project_id=plan.project_id,
                integration_id=plan.integration_id,
                group_id=plan.group_id,
                connection_id=plan.connection_id,
                config_id=config_id,
                created_by=plan.created_by,
            )
            if not added:
                raise InstallationExists(
                    "This group has installed this integration already.",
                    remedy="Update the installation that exists; listInstallations with groupRef shows it.",
                )
        else:
            await repository.change(
                plan.project_id,
                installation_id,
                connection_id=plan.connection_id,
                config_id=config_id,
                update_time=func.clock_timestamp(),
            )
        await repository.add_config(
            id=config_id,
            installation_id=installation_id,
            project_id=plan.project_id,
            revision_id=plan.config.revision_id,
            content=plan.config.content.to_wire(),
            retained=[each.to_wire() for each in plan.config.retained],
            destinations=sorted(_destinations(plan.config)),
            created_by=plan.created_by,
        )
        state = await self.load(session, plan.project_id, installation_id)
        for listener in self._listeners:
            await listener.on_saved(session, state, plan.previous)
        if plan.previous is not None:
            await self._end_troubles_of_others(session, state)
        return installation_id

    async def delete(self, session: AsyncSession, project_id: str, integration: str, installation_id: str) -> None:
        """Delete an installation, and its connection unless another installation uses it.

        Raises InstallationNotFound.
        """
        state = await self.require(session, project_id, integration, installation_id)
        repository = InstallationRepository(session)
        await repository.lock_connection(project_id, state.connection_id)
        await self.remove(session, project_id, installation_id)
        if not await repository.uses(project_id, state.connection_id):
            await self._connections.delete(session, project_id, state.connection_id)

    async def remove(self, session: AsyncSession, project_id: str, installation_id: str) -> None:
        """Delete an installation alone, after telling the listeners; raises InstallationNotFound."""
        for listener in self._listeners:
            await listener.on_deleted(session, project_id, installation_id)
        if not await InstallationRepository(session).delete(project_id, installation_id):
            raise InstallationNotFound(installation_id)

    async def _end_troubles_of_others(self, session: AsyncSession, state: InstallationState) -> None:
        """Of objects that are not read any more, nothing is the matter; of those switched off, no failed read."""
        troubled = await InstallationRepository(session).troubled_objects(state.project_id, state.id)
        if gone := troubled - state.read_objects.keys():
            await self.end_trouble(session, state.project_id, state.id, gone, "read_failed", "read_paused")
        if off := {name for name in troubled - gone if state.read_objects[name].disabled}:
            await self.end_trouble(session, state.project_id, state.id, off, "read_failed")

    async def _state(self, session: AsyncSession, row: RowMapping) -> InstallationState:
        revision = await self._integrations.revision(session, row["project_id"], row["revision_id"])
        values: dict[str, Any] = dict(row)
        content = ConfigContent.model_validate(values.pop("content"))
        retained = [IntegrationObject.model_validate(each) for each in values.pop("retained")]
        integration = with_retained(revision.content, retained)
        return InstallationState(
            **values,
            module=integration.module,
            integration=integration,
            content=content,
            read_objects=resolve_read_objects(integration, content),
        )


def _destinations(config: Carried) -> set[str]:
    """The names of the destinations that a config's objects deliver to."""
    reads = resolve_read_objects(config.integration, config.content).values()
    subscribed = config.content.subscribe.objects.values() if config.content.subscribe else ()
    return {
        *(each.destination for each in reads if not each.disabled),
        *(each.destination for each in subscribed if each.destination),
    }
