"""One group's credentials for one provider: kept encrypted, replaced, used to reach the provider."""

from conjunct.connections.custom_auth import router as custom_auth_router
from conjunct.connections.endpoints import Connections, router
from conjunct.connections.oauth import Comeback, Flows, OAuthFlows
from conjunct.connections.oauth import router as oauth_router
from conjunct.connections.problems import ConnectionNotFound, RefreshNotPossible, RefreshPending
from conjunct.connections.provider_apps.endpoints import router as provider_apps_router
from conjunct.connections.repository import connection_json
from conjunct.connections.schemas import Connection
from conjunct.connections.service import ConnectionListener, ConnectionService
from conjunct.connections.state import ConnectionState

__all__ = [
    "Comeback",
    "Connection",
    "ConnectionListener",
    "ConnectionNotFound",
    "ConnectionService",
    "ConnectionState",
    "Connections",
    "Flows",
    "OAuthFlows",
    "RefreshNotPossible",
    "RefreshPending",
    "connection_json",
    "custom_auth_router",
    "oauth_router",
    "provider_apps_router",
    "router",
]
