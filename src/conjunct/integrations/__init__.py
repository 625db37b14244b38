"""Integrations: what builders deploy, revision by revision, and the uploads that deploys come from."""

from conjunct.integrations.changes import Revision, RevisionListener
from conjunct.integrations.endpoints import Integrations, router
from conjunct.integrations.jobs import ensure_sweep, sweep_handler
from conjunct.integrations.problems import (
    IntegrationExists,
    IntegrationNotFound,
    ProviderChanged,
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
    "RevisionListener",
    "IntegrationNotFound",
    "IntegrationExists",
    "ProviderChanged",
    "SourceInvalid",
    "UploadRefused",
    "ensure_sweep",
    "sweep_handler",
    "router",
]
