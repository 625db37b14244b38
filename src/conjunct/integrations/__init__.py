"""Integrations: what builders deploy, revision by revision, and the uploads that deploys come from."""

from conjunct.integrations.changes import Revision, RevisionListener
from conjunct.integrations.endpoints import Integrations, router
from conjunct.integrations.foresight import Affected, Effect, EffectKind, Foreseen, Proposal
from conjunct.integrations.history import get_revision
from conjunct.integrations.history_endpoints import history_router
from conjunct.integrations.jobs import ensure_sweep, sweep_handler
from conjunct.integrations.planning import DeployPlanner
from conjunct.integrations.problems import (
    AlreadyLatest,
    IntegrationExists,
    IntegrationNotFound,
    ProviderChanged,
    RevisionNotFound,
    SourceInvalid,
    UploadRefused,
)
from conjunct.integrations.service import IntegrationService
from conjunct.integrations.uploads import Uploads

__all__ = [
    "IntegrationService",
    "Integrations",
    "Uploads",
    "Revision",
    "get_revision",
    "RevisionListener",
    "DeployPlanner",
    "Proposal",
    "Foreseen",
    "Effect",
    "EffectKind",
    "Affected",
    "IntegrationNotFound",
    "IntegrationExists",
    "RevisionNotFound",
    "AlreadyLatest",
    "ProviderChanged",
    "SourceInvalid",
    "UploadRefused",
    "ensure_sweep",
    "sweep_handler",
    "router",
    "history_router",
]
