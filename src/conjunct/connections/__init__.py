"""One group's credentials for one provider: kept encrypted, replaced, used to reach the provider."""

from conjunct.connections.endpoints import Connections, router
from conjunct.connections.problems import ConnectionNotFound
from conjunct.connections.repository import connection_json
from conjunct.connections.schemas import Connection
from conjunct.connections.service import ConnectionListener, ConnectionService
from conjunct.connections.state import ConnectionState

__all__ = [
    "Connection",
    "ConnectionListener",
    "ConnectionNotFound",
    "ConnectionService",
    "ConnectionState",
    "Connections",
    "connection_json",
    "router",
]
