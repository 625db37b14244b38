"""Builders: the people who build integrations, what they are in their org, and their tokens."""

from conjunct.tenants.builders.endpoints import router
from conjunct.tenants.builders.problems import AlreadyInOrg, BuilderNotFound, OrgNotFound
from conjunct.tenants.builders.repository import BuilderState
from conjunct.tenants.builders.service import BuilderService

__all__ = ["AlreadyInOrg", "BuilderNotFound", "BuilderService", "BuilderState", "OrgNotFound", "router"]
