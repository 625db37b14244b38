"""From what a deploy was given to its manifest."""

from __future__ import annotations

import asyncio

from conjunct.core.problems import InvalidRequest, Issue
from conjunct.integrations.archive import read_manifest
from conjunct.integrations.schemas import Source
from conjunct.integrations.service import IntegrationService
from conjunct.integrations.uploads import Uploads
from conjunct.manifests import Manifest


class SourceReader:
    """Reads and validates a deploy's manifest, before any transaction is open."""

    def __init__(self, service: IntegrationService, uploads: Uploads) -> None:
        self._service = service
        self._uploads = uploads

    async def read(self, project_id: str, source: Source) -> Manifest:
        """The manifest; raises ManifestInvalid or SourceInvalid, or InvalidRequest unless there is one source."""
        if (source.source_yaml is None) == (source.source_zip_url is None):
            raise InvalidRequest(
                "A deploy has exactly one source: sourceZipUrl or sourceYaml.",
                remedy="Send the manifest as sourceYaml, or upload an archive and send its address as sourceZipUrl.",
                issues=[Issue("sourceYaml", "exactly one of sourceYaml and sourceZipUrl is required")],
            )
        if source.source_zip_url is None:
            return await asyncio.to_thread(self._service.parse, source.source_yaml or "")
        archive = await self._uploads.fetch(project_id, source.source_zip_url)
        return await asyncio.to_thread(self._unpack, archive)

    def _unpack(self, archive: bytes) -> Manifest:
        return self._service.parse(read_manifest(archive))
