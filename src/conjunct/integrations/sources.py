"""From what a deploy was given to its manifest, and the providers that come with it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from conjunct.core.database import Database
from conjunct.core.problems import InvalidRequest, Issue
from conjunct.integrations.archive import unpack
from conjunct.integrations.schemas import Source
from conjunct.integrations.service import IntegrationService
from conjunct.integrations.uploads import Uploads
from conjunct.manifests import Manifest


@dataclass(frozen=True, slots=True)
class Sources:
    """A manifest that was found to be good, and the texts of good provider definitions that came with it, by name."""

    manifest: Manifest
    providers: Mapping[str, str] = field(default_factory=dict)


class SourceReader:
    """Reads and validates what is to be deployed, before any transaction is open."""

    def __init__(self, service: IntegrationService, uploads: Uploads, database: Database) -> None:
        self._service = service
        self._uploads = uploads
        self._database = database

    async def read(self, project_id: str, source: Source) -> Sources:
        """The sources; raises ManifestInvalid, InvalidDefinition or SourceInvalid, or InvalidRequest unless there is
        one source.
        """
        if (source.source_yaml is None) == (source.source_zip_url is None):
            raise InvalidRequest(
                "A deploy has exactly one source: sourceZipUrl or sourceYaml.",
                remedy="Send the manifest as sourceYaml, or upload an archive and send its address as sourceZipUrl.",
                issues=[Issue("sourceYaml", "exactly one of sourceYaml and sourceZipUrl is required")],
            )
        async with self._database.reading() as reading:
            known = await self._service.own_modules(reading, project_id)
        if source.source_zip_url is None:
            return Sources(await asyncio.to_thread(self._service.parse, source.source_yaml or "", known))
        archive = await self._uploads.fetch(project_id, source.source_zip_url)
        return await asyncio.to_thread(self._unpack, archive, known)

    def _unpack(self, archive: bytes, known: Mapping[str, tuple[str, ...]]) -> Sources:
        unpacked = unpack(archive)
        new = self._service.check_providers(unpacked.definitions)
        texts = {name: unpacked.definitions[name] for name in new}
        return Sources(self._service.parse(unpacked.manifest, {**known, **new}), texts)
