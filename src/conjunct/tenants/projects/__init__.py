"""Projects: the environments of an org."""

from conjunct.tenants.projects.endpoints import router
from conjunct.tenants.projects.service import ProjectService

__all__ = ["ProjectService", "router"]
