"""The integrations slice, served over HTTP for one project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from conjunct.core.database import Database
from conjunct.core.encryption import Keyring, new_key
from conjunct.core.storage import FolderStorage
from conjunct.integrations import DeployPlanner, Foreseen, IntegrationService, Proposal, Uploads, history_router, router
from conjunct.kit.clock import ManualClock
from conjunct.manifests import Limits
from conjunct.tenants import Authenticator, NewProject, ProjectKeys
from tests.support.servers import serve, slice_api
from tests.support.specification import checked
from tests.support.tenants import make_project


@dataclass
class Recorder:
    """A listener that keeps what it was told."""

    heard: list[tuple[Any, ...]] = field(default_factory=list)

    async def on_integration_added(self, _session, _revision):
        pass

    async def on_revision(self, _session, project_id, integration_id, revision_id, changes, destructive):
        self.heard.append((project_id, integration_id, revision_id, changes, destructive))

    async def on_integration_deleted(self, _session, project_id, integration_id):
        self.heard.append((project_id, integration_id))


@dataclass
class Surroundings:
    """What a plan asks of other slices: keeps what was proposed, says what it was told to."""

    destinations: set[str] = field(default_factory=lambda: {"hook"})
    foreseen: dict[str, Foreseen] = field(default_factory=dict)
    proposals: list[Proposal] = field(default_factory=list)

    async def missing(self, _session, _project_id, names):
        return frozenset(names) - self.destinations

    async def foresee(self, _session, _project_id, proposals):
        self.proposals += proposals
        return self.foreseen


@dataclass
class Slice:
    """What a test uses: two projects' clients, the clock, and what listeners heard."""

    client: httpx.AsyncClient
    project: NewProject
    other: NewProject
    clock: ManualClock
    recorder: Recorder
    service: IntegrationService
    uploads: Uploads
    surroundings: Surroundings

    @property
    def home(self) -> str:
        return f"/v1/projects/{self.project.project_id}"

    async def deploy(self, yaml: str, status: int = 200, **query) -> httpx.Response:
        response = await self.client.put(f"{self.home}/integrations:batch", json={"sourceYaml": yaml}, params=query)
        assert response.status_code == status, response.text
        return response


@pytest.fixture
async def slice_(database: Database, tmp_path: Path) -> AsyncIterator[Slice]:
    keys = ProjectKeys(Keyring({"m1": new_key()}, current="m1"))
    project = await make_project(database, keys)
    other = await make_project(database, keys, "other")
    clock, recorder = ManualClock(datetime(2026, 1, 1, tzinfo=UTC)), Recorder()
    limits = Limits(known_providers={"hubspot": ("crm",), "salesforce": ()})
    app = slice_api(router, history_router)
    app.state.database = database
    app.state.authenticator = Authenticator(database)
    app.state.integrations = IntegrationService(limits)
    app.state.integrations.add_listener(recorder)
    app.state.uploads = Uploads(
        FolderStorage(tmp_path / "objects"), Keyring({"k": b"k" * 32}, "k").derive("uploads"), clock
    )
    app.state.page_keys = Keyring({"p": b"p" * 32}, "p").derive("page tokens")
    surroundings = Surroundings()
    app.state.deploy_planner = DeployPlanner(surroundings, surroundings)
    async with serve(app, headers={"X-Api-Key": project.api_key}) as client:
        yield Slice(
            checked(client),
            project,
            other,
            clock,
            recorder,
            app.state.integrations,
            app.state.uploads,
            surroundings,
        )
