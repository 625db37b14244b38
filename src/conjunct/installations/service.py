"""Installations: plan what a request asks for, save it, find it, delete it.

A request is planned twice when samples are taken: before them, and again in the transaction that saves, since the
world may have changed while the provider was asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, func
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from conjunct.connections import ConnectionService, ConnectionState
from conjunct.connectors import Connector
from conjunct.core.problems import Issue
from conjunct.installations.completion import complete
from conjunct.installations.content import ConfigContent, parse_content
from conjunct.installations.following import Carried, carry_over, with_retained
from conjunct.installations.masks import apply_masks
from conjunct.installations.problems import (
    ConfigInvalid,
    ConnectionUnusable,
    GroupNotInstalled,
    InstallationExists,
    InstallationNotFound,
)
from conjunct.installations.read_objects import ReadObject, resolve_read_objects
from conjunct.installations.repository import InstallationRepository
from conjunct.installations.sampling import to_sample
from conjunct.installations.schemas import CreateInstallation, UpdateInstallation
from conjunct.installations.state import Health, InstallationListener, InstallationState
from conjunct.installations.validation import check_content
from conjunct.integrations import IntegrationNotFound, IntegrationService
from conjunct.kit.ids import new_id
from conjunct.manifests import IntegrationObject


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be saved, known to be good. `previous` is the installation as it was, None when it is new."""

    project_id: str
    integration_id: str
    group_id: str
    connection_id: str
    config: Carried
    created_by: str
    samples: tuple[ReadObject, ...]
    previous: InstallationState | None = None


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
        self._finest = finest_schedule
        self._listeners: list[InstallationListener] = []

    def add_listener(self, listener: InstallationListener) -> None:
        """Have `listener` told of changes, on their transaction. The composition root calls this."""
        self._listeners.append(listener)

    async def list_json(self, connection: AsyncConnection, project_id: str, group_ref: str | None) -> str:
        """The project's installations, oldest first, as JSON of the specification."""
        return await InstallationRepository(connection).list_json(project_id, group_ref)

    async def list_of_integration_json(
        self, connection: AsyncConnection, project_id: str, integration: str, group_ref: str | None
    ) -> str:
        """An integration's installations, oldest first, as JSON; raises IntegrationNotFound."""
        found = await InstallationRepository(connection).list_of_integration_json(project_id, integration, group_ref)
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

    async def load_at(
        self, session: AsyncSession, project_id: str, installation_id: str, config_id: str
    ) -> InstallationState | None:
        """The installation with a config that it has or had, for a run that began with it; None when it is gone."""
        row = await InstallationRepository(session).load_at(project_id, installation_id, config_id)
        return None if row is None else await self._state(session, row)

    async def require(
        self, session: AsyncSession, project_id: str, integration: str, installation_id: str
    ) -> InstallationState:
        """The installation of this integration (id or name); raises InstallationNotFound."""
        state = await self.load(session, project_id, installation_id)
        if integration not in (state.integration_id, state.integration_name):
            raise InstallationNotFound(installation_id)
        return state

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

    async def set_health(self, session: AsyncSession, project_id: str, installation_id: str, health: Health) -> bool:
        """Note how the installation fares; returns whether that is news."""
        return await InstallationRepository(session).set_health(project_id, installation_id, health)

    async def plan_creation(
        self, session: AsyncSession, project_id: str, integration: str, request: CreateInstallation
    ) -> Plan:
        """What a request to install asks for. No deploy can change the integration before the transaction ends.

        Raises IntegrationNotFound, ConnectionUnusable, or ConfigInvalid with every fault.
        """
        row = await self._integrations.find(session, project_id, integration, keep=True)
        revision = await self._integrations.revision(session, project_id, row.latest_revision_id)
        content, issues = parse_content(request.config.content)
        if content is not None:
            content = complete(content, revision.content)
            issues = list(check_content(content, revision.content, self._finest))
        if content is None or issues:
            raise _config_invalid(issues)
        connection = await self._connection(
            session, project_id, request.connection_id, group_ref=request.group_ref, provider=row.provider
        )
        return Plan(
            project_id=project_id,
            integration_id=row.id,
            group_id=connection.group_id,
            connection_id=connection.id,
            config=Carried(revision.id, revision.content, (), content),
            created_by=request.config.created_by,
            samples=to_sample(resolve_read_objects(revision.content, content), {}, same_connection=False),
        )

    async def plan_change(
        self,
        session: AsyncSession,
        project_id: str,
        integration: str,
        installation_id: str,
        request: UpdateInstallation,
    ) -> Plan:
        """What a request to change asks for, on the latest revision. The installation is locked.

        Raises InvalidUpdateMask, InstallationNotFound, ConnectionUnusable, or ConfigInvalid with every fault of what
        is replaced.
        """
        row = await self._integrations.find(session, project_id, integration, keep=True)
        await InstallationRepository(session).lock(project_id, installation_id)
        previous = await self.load(session, project_id, installation_id)
        if previous.integration_id != row.id:
            raise InstallationNotFound(installation_id)
        config = await self.carried_over(session, previous, row.latest_revision_id)
        current = config.content.to_wire()
        change = apply_masks(current, request.installation, request.update_mask, config.integration)
        content, issues = parse_content(change.content)
        if content is not None:
            content = complete(content, config.integration)
            faults = check_content(content, config.integration, self._finest)
            issues = [issue for issue in faults if _is_within(issue.name, change.touched)]
        if content is None or issues:
            raise _config_invalid(issues)
        connection_id = previous.connection_id
        if change.connection_id is not None:
            connection = await self._connection(
                session, project_id, change.connection_id, group_ref=previous.group_ref, provider=previous.provider
            )
            connection_id = connection.id
        return Plan(
            project_id=project_id,
            integration_id=row.id,
            group_id=previous.group_id,
            connection_id=connection_id,
            config=Carried(config.revision_id, config.integration, config.retained, content),
            created_by=change.created_by or previous.config_created_by,
            samples=to_sample(
                resolve_read_objects(config.integration, content),
                previous.read_objects,
                same_connection=connection_id == previous.connection_id,
            ),
            previous=previous,
        )

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
            created_by=plan.created_by,
        )
        state = await self.load(session, plan.project_id, installation_id)
        for listener in self._listeners:
            await listener.on_saved(session, state, plan.previous)
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

    async def carried_over(self, session: AsyncSession, state: InstallationState, revision_id: str) -> Carried:
        """The installation's config on a later revision of its integration (see `following`)."""
        declared = await self._integrations.revision(session, state.project_id, state.revision_id)
        own = {each.object_name for each in (declared.content.read.objects if declared.content.read else ())}
        reads = state.integration.read.objects if state.integration.read else ()
        retained = tuple(each for each in reads if each.object_name not in own)
        config = Carried(state.revision_id, state.integration, retained, state.content)
        if state.revision_id == revision_id:
            return config
        later = await self._integrations.revisions_after(
            session, state.project_id, state.integration_id, declared.number
        )
        return carry_over(config, later)

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

    async def _connection(
        self, session: AsyncSession, project_id: str, connection_id: str | None, *, group_ref: str, provider: str
    ) -> ConnectionState:
        if connection_id is None:
            found = await self._connections.default_for_group(session, project_id, group_ref, provider)
            if found is None:
                raise ConnectionUnusable(
                    f"The group {group_ref!r} has no connection to {provider}.",
                    remedy=f"Let the group connect to {provider} first, then install.",
                    issues=[Issue("groupRef", f"has no connection to {provider}", value=group_ref)],
                )
            return found
        found = await self._connections.find(session, project_id, connection_id)
        fault = _connection_fault(found, group_ref, provider)
        if found is None or fault:
            raise ConnectionUnusable(
                f"The connection {connection_id!r} cannot be used: {fault}.",
                remedy=f"Name a connection of the group to {provider}, or leave connectionId out.",
                issues=[Issue("connectionId", fault, value=connection_id)],
            )
        return found


def _connection_fault(found: ConnectionState | None, group_ref: str, provider: str) -> str:
    if found is None:
        return "there is no such connection in this project"
    if found.group_ref != group_ref:
        return f"it belongs to another group than {group_ref!r}"
    if found.provider != provider:
        return f"it is for {found.provider}, and the integration is for {provider}"
    return ""


def _config_invalid(issues: list[Issue]) -> ConfigInvalid:
    number = "1 fault" if len(issues) == 1 else f"{len(issues)} faults"
    return ConfigInvalid(
        f"The config has {number}.", remedy="Correct each issue; nothing was changed.", issues=issues[:100]
    )


def _is_within(name: str, places: Sequence[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)
