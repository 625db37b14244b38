"""Nango's format: connections as its API gives them with credentials, or bodies of its import.

Nango knows a connection by an id of its own and whoever it is for by `end_user` or by tags; a group is its
organisation there, and a consumer its end user. Where neither is told, the connection's id stands for both.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conjunct.connections.credentials import CustomCredentials, OAuthTokens, StoredCredentials, Token
from conjunct.connections.transfer.formats import Candidate, UnreadableEntry, section, without_none
from conjunct.connectors.auth import ApiKey, Basic

WORKSPACE_KEYS = ("subdomain", "domain", "shop", "instance_url", "hostname", "accountId", "cloudId", "tenantId")
"""Keys of `connection_config` that hold what is our `providerWorkspaceRef`, the first that is there."""

_SPECIAL = {
    "google-mail": "google",
    "google-calendar": "google",
    "google-drive": "google",
    "jira": "atlassian",
    "confluence": "atlassian",
    "zendesk": "zendeskSupport",
    "outlook": "microsoft",
    "microsoft-teams": "microsoft",
    "one-drive": "microsoft",
    "quickbooks-sandbox": "quickbooks",
    "help-scout": "helpScoutMailbox",
    "salesforce-sandbox": "salesforce",
    "dynamics-crm": "dynamicsCRM",
}


def read(entry: Mapping[str, Any], known: Mapping[str, str], renamed: Mapping[str, str]) -> Candidate:
    """The connection that an entry describes.

    `known` are our providers' names by their names in small letters and digits only; `renamed` are the importer's own
    choices by Nango's name. Raises `UnreadableEntry`.
    """
    theirs = entry.get("provider") or entry.get("provider_config_key")
    if not isinstance(theirs, str):
        raise UnreadableEntry("it names no provider: neither 'provider' nor 'provider_config_key' is there")
    config = section(entry, "connection_config")
    workspace = next((config[key] for key in WORKSPACE_KEYS if isinstance(config.get(key), str)), None)
    metadata = {name: {"value": value, "source": "input"} for name, value in config.items() if isinstance(value, str)}
    request = without_none(
        {
            **_customer(entry),
            "provider": renamed.get(theirs) or _SPECIAL.get(theirs) or known.get(folded(theirs)) or theirs,
            "providerWorkspaceRef": workspace,
            "providerMetadata": metadata or None,
        }
    )
    return Candidate({**request, **_credentials(entry)})


def folded(name: str) -> str:
    """A provider's name for comparison: `zoho-crm` and `zohoCRM` are one."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


def written(connection: Mapping[str, Any], credentials: StoredCredentials) -> dict[str, Any]:
    """The entry of a connection (as on the wire, without credentials) and its credentials."""
    group, consumer = connection["group"], connection["consumer"]
    config = {name: entry["value"] for name, entry in (connection.get("providerMetadata") or {}).items()}
    if "providerWorkspaceRef" in connection:
        config["subdomain"] = connection["providerWorkspaceRef"]
    return {
        "connection_id": connection["id"],
        "provider": connection["provider"],
        "provider_config_key": connection["provider"],
        "connection_config": config,
        "end_user": {
            "id": consumer["consumerRef"],
            "display_name": consumer.get("consumerName"),
            "organization": {"id": group["groupRef"], "display_name": group.get("groupName")},
        },
        "created_at": connection["createTime"],
        "credentials": _written_credentials(credentials),
    }


def _customer(entry: Mapping[str, Any]) -> dict[str, Any]:
    tags, user = section(entry, "tags"), section(entry, "end_user")
    organization = section(user, "organization")
    own_id = entry.get("connection_id")
    user_id = user.get("id") or tags.get("end_user_id") or own_id
    return {
        "groupRef": organization.get("id") or tags.get("organization_id") or user_id,
        "groupName": organization.get("display_name") or tags.get("organization_display_name"),
        "consumerRef": user_id,
        "consumerName": user.get("display_name") or tags.get("end_user_display_name") or user.get("email"),
    }


def _credentials(entry: Mapping[str, Any]) -> dict[str, Any]:
    given = section(entry, "credentials") or entry
    kind = given.get("type") or _guessed(given)
    match kind:
        case "OAUTH2":
            return {"oauth2AuthorizationCode": _tokens(given)}
        case "OAUTH2_CC":
            client = {"clientId": given.get("client_id"), "clientSecret": given.get("client_secret")}
            return {"oauth2ClientCredentials": without_none(client)}
        case "API_KEY":
            return {"apiKey": given.get("apiKey") or given.get("api_key")}
        case "BASIC":
            return {"basicAuth": {"username": given.get("username"), "password": given.get("password")}}
        case _:
            raise UnreadableEntry(f"credentials of the type {kind!r} have no like here")


def _guessed(given: Mapping[str, Any]) -> str:
    """The kind of credentials in a body of Nango's import, which did not always name it."""
    if "access_token" in given:
        return "OAUTH2"
    if "client_id" in given:
        return "OAUTH2_CC"
    return "API_KEY" if "apiKey" in given or "api_key" in given else "BASIC"


def _tokens(given: Mapping[str, Any]) -> dict[str, Any]:
    access = without_none({"token": given.get("access_token"), "expiresAt": given.get("expires_at")})
    refresh = given.get("refresh_token")
    scopes = section(given, "raw").get("scope")
    return without_none(
        {
            "accessToken": access,
            "refreshToken": None if not refresh else {"token": refresh},
            "scopes": scopes.replace(",", " ").split() if isinstance(scopes, str) else None,
        }
    )


def _written_credentials(credentials: StoredCredentials) -> dict[str, Any]:
    if isinstance(credentials, ApiKey):
        return {"type": "API_KEY", "apiKey": credentials.key}
    if isinstance(credentials, Basic):
        return {"type": "BASIC", "username": credentials.username, "password": credentials.password}
    if isinstance(credentials, CustomCredentials):
        return {"type": "CUSTOM", "raw": dict(credentials.values)}
    return _written_tokens(credentials)


def _written_tokens(tokens: OAuthTokens) -> dict[str, Any]:
    raw = {} if tokens.scopes is None else {"scope": " ".join(tokens.scopes)}
    ends = _end(tokens.access)
    if tokens.client is not None and tokens.login is None:
        client = {"client_id": tokens.client.client_id, "client_secret": tokens.client.client_secret}
        return without_none(
            {"type": "OAUTH2_CC", **client, "token": tokens.access.text, "expires_at": ends, "raw": raw}
        )
    refresh = None if tokens.refresh is None else tokens.refresh.text
    shown = {"access_token": tokens.access.text, "refresh_token": refresh, "expires_at": ends, "raw": raw}
    return without_none({"type": "OAUTH2", **shown})


def _end(token: Token) -> str | None:
    return None if token.expires_at is None else token.expires_at.isoformat().replace("+00:00", "Z")
