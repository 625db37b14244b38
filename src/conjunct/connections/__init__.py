"""One group's credentials for one provider: kept encrypted, replaced, used to reach the provider."""

from conjunct.connections.account import told_later
from conjunct.connections.connect_links import (
    ConnectLink,
    ConnectLinkOver,
    ConnectLinkService,
    Links,
    way_of,
    with_result,
)
from conjunct.connections.connect_links import router as connect_links_router
from conjunct.connections.credential_kinds import accepted_kinds
from conjunct.connections.custom_auth import Connected, CustomAuth, CustomAuthFlows, SentOn, Waiting
from conjunct.connections.custom_auth import router as custom_auth_router
from conjunct.connections.deletion import StoppedInstallation
from conjunct.connections.endpoints import Connections, router
from conjunct.connections.oauth import Comeback, Flows, LinkUse, OAuthFlows, SetOut
from conjunct.connections.oauth import router as oauth_router
from conjunct.connections.oauth.schemas import ConnectRequest
from conjunct.connections.problems import (
    ConnectionNotFound,
    CredentialsRefused,
    RefreshNotPossible,
    RefreshPending,
)
from conjunct.connections.provider_apps.endpoints import router as provider_apps_router
from conjunct.connections.repository import connection_json
from conjunct.connections.revocation import Revoker
from conjunct.connections.schemas import Connection, GenerateConnectionRequest
from conjunct.connections.service import ConnectionListener, ConnectionService
from conjunct.connections.state import ConnectionState
from conjunct.connections.transfer.endpoints import router as transfer_router

__all__ = [
    "Comeback",
    "ConnectLink",
    "ConnectLinkOver",
    "ConnectLinkService",
    "ConnectRequest",
    "Connected",
    "Connection",
    "ConnectionListener",
    "ConnectionNotFound",
    "ConnectionService",
    "ConnectionState",
    "Connections",
    "CredentialsRefused",
    "CustomAuth",
    "CustomAuthFlows",
    "Flows",
    "GenerateConnectionRequest",
    "LinkUse",
    "Links",
    "OAuthFlows",
    "RefreshNotPossible",
    "RefreshPending",
    "Revoker",
    "StoppedInstallation",
    "SentOn",
    "SetOut",
    "Waiting",
    "accepted_kinds",
    "connect_links_router",
    "connection_json",
    "custom_auth_router",
    "oauth_router",
    "provider_apps_router",
    "router",
    "told_later",
    "transfer_router",
    "way_of",
    "with_result",
]
