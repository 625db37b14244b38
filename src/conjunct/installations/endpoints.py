"""Installations over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Path, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.installations import schemas
from conjunct.installations.installing import Installer
from conjunct.installations.problems import InstallationNotFound
from conjunct.installations.service import InstallationService
from conjunct.tenants import CallerDep, FrontendProjectId, ProjectId

router = api_router(tags=["Installation"])


async def _service(request: Request) -> InstallationService:
    service: InstallationService = request.app.state.installations
    return service


async def _installer(service: Annotated[InstallationService, Depends(_service)], database: DatabaseDep) -> Installer:
    return Installer(database, service)


Installations = Annotated[InstallationService, Depends(_service)]
InstallerDep = Annotated[Installer, Depends(_installer)]
IntegrationId = Annotated[str, Path(alias="integrationId", description="The integration's id or name.")]
ObjectName = Annotated[str, Path(alias="objectName", description="The object's name, the provider's or yours.")]
GroupRef = Annotated[str | None, Query(alias="groupRef", description="Only installations of this group.")]
SkipSampling = Annotated[
    bool, Query(alias="skipSampling", description="Whether to save without reading a record of each object first.")
]


async def _visible(
    caller: CallerDep,
    service: Installations,
    database: DatabaseDep,
    installation_id: Annotated[str, Path(alias="installationId", description="The installation's id.")],
) -> str:
    """The id in the path; of a caller who is confined to a group, only if the installation is that group's."""
    if caller.group_ref is not None:
        async with database.reading() as connection:
            if not await service.is_of_group(connection, caller.require_project(), installation_id, caller.group_ref):
                raise InstallationNotFound(installation_id)
    return installation_id


InstallationId = Annotated[str, Depends(_visible)]

_OF_INTEGRATION = "/projects/{projectIdOrName}/integrations/{integrationId}/installations"
_ONE = _OF_INTEGRATION + "/{installationId}"


@router.get(
    "/projects/{projectIdOrName}/installations",
    operation_id="listInstallationsForProject",
    response_model=list[schemas.Installation],
)
async def list_installations_for_project(
    project_id: ProjectId,
    service: Installations,
    database: DatabaseDep,
    pager: PagerDep,
    group_ref: GroupRef = None,
) -> Response:
    """All installations of the project, oldest first."""
    async with database.reading() as connection:
        return pager.answer(await service.list_page(connection, project_id, pager.page, group_ref=group_ref))


@router.get(_OF_INTEGRATION, operation_id="listInstallations", response_model=list[schemas.Installation])
async def list_installations(
    caller: CallerDep,
    project_id: FrontendProjectId,
    integration: IntegrationId,
    service: Installations,
    database: DatabaseDep,
    pager: PagerDep,
    group_ref: GroupRef = None,
) -> Response:
    """All installations of one integration, oldest first."""
    async with database.reading() as connection:
        found = await service.list_of_integration(
            connection, project_id, pager.page, integration, group_ref=caller.confine(group_ref)
        )
    return pager.answer(found)


@router.post(_OF_INTEGRATION, operation_id="createInstallation", status_code=201, response_model=schemas.Installation)
async def create_installation(
    caller: CallerDep,
    project_id: FrontendProjectId,
    integration: IntegrationId,
    body: schemas.CreateInstallation,
    installer: InstallerDep,
    skip_sampling: SkipSampling = False,
) -> Response:
    """Install the integration for a group that has a connection."""
    caller.confine(body.group_ref)
    return json_bytes(await installer.create(project_id, integration, body, skip_sampling=skip_sampling), 201)


@router.get(_ONE, operation_id="getInstallation", response_model=schemas.Installation)
async def get_installation(
    project_id: FrontendProjectId,
    integration: IntegrationId,
    installation: InstallationId,
    service: Installations,
    database: DatabaseDep,
) -> Response:
    """One installation with its connection and config."""
    async with database.reading() as connection:
        return json_bytes(await service.get_json(connection, project_id, integration, installation))


@router.patch(_ONE, operation_id="updateInstallation", response_model=schemas.Installation)
async def update_installation(
    project_id: FrontendProjectId,
    integration: IntegrationId,
    installation: InstallationId,
    body: schemas.UpdateInstallation,
    installer: InstallerDep,
    skip_sampling: SkipSampling = False,
) -> Response:
    """Replace the parts of an installation that the update mask names."""
    changed = await installer.update(project_id, integration, installation, body, skip_sampling=skip_sampling)
    return json_bytes(changed)


@router.delete(_ONE, operation_id="deleteInstallation", status_code=204)
async def delete_installation(
    project_id: FrontendProjectId,
    integration: IntegrationId,
    installation: InstallationId,
    service: Installations,
    session: Transaction,
) -> None:
    """Delete an installation, and its connection unless another installation uses it."""
    await service.delete(session, project_id, integration, installation)


@router.patch(
    "/projects/{projectIdOrName}/integrations/{integrationId}/objects/{objectName}/config-content",
    operation_id="patchObjectConfigContent",
    response_model=schemas.Installation,
)
async def patch_object_config_content(
    project_id: FrontendProjectId,
    caller: CallerDep,
    integration: IntegrationId,
    object_name: ObjectName,
    body: schemas.PatchObjectConfig,
    installer: InstallerDep,
    skip_sampling: SkipSampling = False,
) -> Response:
    """Change one object's config in an installation by a JSON Patch: `add`, `remove` and `replace`."""
    group_ref = caller.confine(body.group_ref)
    if (body.installation_id is None and group_ref is None) or (body.installation_id and body.group_ref):
        fault = "either this or installationId must be given, and not both"
        raise InvalidRequest("The request must name one installation.", issues=[Issue("groupRef", fault)])
    changed = await installer.patch(
        project_id, integration, object_name, body, skip_sampling=skip_sampling, group_ref=group_ref
    )
    return json_bytes(changed)
