"""Orgs, projects, API keys, groups, consumers, and who may do what."""

from conjunct.tenants.access import Authenticator, Caller
from conjunct.tenants.dependencies import CallerDep, FrontendProjectId, ProjectId
from conjunct.tenants.keys import ProjectKeys
from conjunct.tenants.service import NewProject, TenantService

__all__ = [
    "Authenticator",
    "Caller",
    "CallerDep",
    "FrontendProjectId",
    "NewProject",
    "ProjectId",
    "ProjectKeys",
    "TenantService",
]
