"""Integrations, deploys and uploads over HTTP."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Header, Path, Query, Request, Response

from conjunct.core.http import DatabaseDep, Transaction, api_router, json_bytes
from conjunct.core.paging import PagerDep
from conjunct.integrations import schemas
from conjunct.integrations.service import IntegrationService
from conjunct.integrations.sources import SourceReader
from conjunct.integrations.uploads import BUCKET, Permit, Uploads
from conjunct.tenants import CallerDep, FrontendProjectId, ProjectId
from conjunct.tenants.audit import record_change, unaudited

router = api_router(tags=["Integration"])


async def _service(request: Request) -> IntegrationService:
    service: IntegrationService = request.app.state.integrations
    return service


async def _uploads(request: Request) -> Uploads:
    uploads: Uploads = request.app.state.uploads
    return uploads


async def _reader(
    service: Annotated[IntegrationService, Depends(_service)],
    uploads: Annotated[Uploads, Depends(_uploads)],
    database: DatabaseDep,
) -> SourceReader:
    return SourceReader(service, uploads, database)


Integrations = Annotated[IntegrationService, Depends(_service)]
UploadsDep = Annotated[Uploads, Depends(_uploads)]
Reader = Annotated[SourceReader, Depends(_reader)]
IntegrationIdOrName = Annotated[str, Path(alias="integrationIdOrName", description="The integration's id or name.")]
IntegrationId = Annotated[str, Path(alias="integrationId", description="The integration's id or name.")]
Destructive = Annotated[
    bool, Query(description="Whether reads of objects that the manifest no longer has are stopped.")
]


@router.get(
    "/projects/{projectIdOrName}/integrations",
    operation_id="listIntegrations",
    response_model=list[schemas.Integration],
)
async def list_integrations(
    project_id: FrontendProjectId, service: Integrations, database: DatabaseDep, pager: PagerDep
) -> Response:
    """All integrations of the project, oldest first, each with its latest revision."""
    async with database.reading() as connection:
        return pager.answer(await service.list_page(connection, project_id, pager.page))


@router.post(
    "/projects/{projectIdOrName}/integrations",
    operation_id="createIntegration",
    status_code=201,
    response_model=schemas.Integration,
)
async def create_integration(
    caller: CallerDep,
    project_id: ProjectId,
    body: schemas.CreateIntegration,
    service: Integrations,
    session: Transaction,
) -> Response:
    """Make one integration."""
    created = await service.create(
        session,
        project_id,
        name=body.name,
        provider=body.provider,
        spec_version=body.latest_revision.spec_version,
        content=body.latest_revision.content,
        created_by=caller.actor,
    )
    return json_bytes(created, 201)


@router.get(
    "/projects/{projectIdOrName}/integrations/{integrationIdOrName}",
    operation_id="getIntegration",
    response_model=schemas.Integration,
)
async def get_integration(
    project_id: FrontendProjectId, integration: IntegrationIdOrName, service: Integrations, database: DatabaseDep
) -> Response:
    """One integration with its latest revision."""
    async with database.reading() as connection:
        return json_bytes(await service.get_json(connection, project_id, integration))


@router.delete(
    "/projects/{projectIdOrName}/integrations/{integrationIdOrName}", operation_id="deleteIntegration", status_code=204
)
async def delete_integration(
    project_id: ProjectId, integration: IntegrationIdOrName, service: Integrations, session: Transaction
) -> None:
    """Delete an integration and all its installations."""
    await service.delete(session, project_id, integration)


@router.put(
    "/projects/{projectIdOrName}/integrations:batch",
    operation_id="batchUpsertIntegrations",
    response_model=list[schemas.Integration],
)
async def batch_upsert_integrations(
    caller: CallerDep,
    project_id: ProjectId,
    source: schemas.Source,
    service: Integrations,
    reader: Reader,
    database: DatabaseDep,
    destructive: Destructive = False,
) -> Response:
    """Deploy a manifest: all of its integrations, or none when anything is wrong."""
    sources = await reader.read(project_id, source)
    async with database.transaction() as session:
        await service.keep_providers(session, project_id, sources.providers)
        deployed = await service.deploy(
            session, project_id, sources.manifest, destructive=destructive, created_by=caller.actor
        )
        await record_change(session)
    return json_bytes(deployed)


@router.post(
    "/projects/{projectIdOrName}/integrations/{integrationId}/revisions",
    operation_id="createRevision",
    status_code=201,
    response_model=schemas.Revision,
)
async def create_revision(
    caller: CallerDep,
    project_id: ProjectId,
    integration: IntegrationId,
    source: schemas.Source,
    service: Integrations,
    reader: Reader,
    database: DatabaseDep,
    destructive: Destructive = False,
) -> Response:
    """Deploy one integration of a manifest."""
    sources = await reader.read(project_id, source)
    async with database.transaction() as session:
        await service.keep_providers(session, project_id, sources.providers)
        revision = await service.revise(
            session, project_id, integration, sources.manifest, destructive=destructive, created_by=caller.actor
        )
        await record_change(session)
    return json_bytes(revision, 201)


@router.get("/generate-upload-url", operation_id="generateUploadUrl", response_model=schemas.SignedUrl)
async def generate_upload_url(
    request: Request,
    caller: CallerDep,
    uploads: UploadsDep,
    md5: Annotated[str | None, Query(description="Base64 of the archive's MD5, as in Content-MD5.")] = None,
) -> schemas.SignedUrl:
    """A URL to PUT an archive of at most 10 MB to, within 15 minutes and without further credentials."""
    caller.require("full")
    signed = uploads.sign(caller.require_project(), md5)
    _, project_id, name = signed.path.split("/")
    address = request.url_for("upload_archive", project_id=project_id, name=name)
    origin = getattr(request.app.state, "public_url", None)
    url = f"{origin.rstrip('/')}{address.path}" if origin else str(address)
    return schemas.SignedUrl(url=f"{url}?{signed.query}", bucket=signed.bucket, path=signed.path)


@router.put(f"/{BUCKET}/{{project_id}}/{{name}}", name="upload_archive", include_in_schema=False)
@unaudited
async def upload_archive(
    request: Request,
    project_id: str,
    name: str,
    uploads: UploadsDep,
    expires: Annotated[int, Query(ge=0, le=2**40)],
    signature: Annotated[str, Query(max_length=64, pattern="^[0-9a-f]*$")],
    md5: Annotated[str, Query(max_length=64)] = "",
    content_md5: Annotated[str | None, Header()] = None,
) -> Response:
    """Take an archive at a signed URL."""
    permit = Permit(expires, md5, signature)
    await uploads.receive(f"/{project_id}/{name}", permit, content_md5, request.stream())
    return Response(status_code=200)
