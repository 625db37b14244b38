"""Orgs, projects, API keys, groups, consumers, and who may do what."""

from conjunct.tenants.access import Authenticator
from conjunct.tenants.caller import Caller
from conjunct.tenants.dependencies import (
    AuthenticatorDep,
    BuilderDep,
    CallerDep,
    Confinement,
    FrontendProjectId,
    ProjectId,
    WritableProjectId,
)
from conjunct.tenants.keys import ProjectKeys
from conjunct.tenants.schemas import Consumer, Group
from conjunct.tenants.service import NewProject, TenantService
from conjunct.tenants.wire import consumer_json, group_json

__all__ = [
    "Authenticator",
    "AuthenticatorDep",
    "BuilderDep",
    "Caller",
    "CallerDep",
    "Confinement",
    "Consumer",
    "FrontendProjectId",
    "Group",
    "NewProject",
    "ProjectId",
    "ProjectKeys",
    "TenantService",
    "WritableProjectId",
    "consumer_json",
    "group_json",
]
