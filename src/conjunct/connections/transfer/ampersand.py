"""Ampersand's format: `Connection` objects as its API gives them with credentials, or bodies of `connections:generate`.

What the `Connection` of the specification has no place for (a user name and a password, a client of the customer's own,
values of a custom scheme) stands under the same keys as in a body of `connections:generate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from conjunct.connections.credentials import StoredCredentials, to_document
from conjunct.connections.transfer.formats import Candidate, section, without_none

_CREDENTIALS = (
    "apiKey",
    "basicAuth",
    "customAuth",
    "oauth2AuthorizationCode",
    "oauth2ClientCredentials",
    "oauth2PasswordCredentials",
)
_PLAIN = ("provider", "providerWorkspaceRef", "providerMetadata", *_CREDENTIALS)
_OWN_CLIENT = {
    "oauth2ClientCredentials": ("clientId", "clientSecret", "scopes"),
    "oauth2PasswordCredentials": ("username", "password", "clientId", "clientSecret", "scopes"),
}


def read(entry: Mapping[str, Any]) -> Candidate:
    """The connection that an entry describes."""
    group, consumer = section(entry, "group"), section(entry, "consumer")
    request = without_none(
        {
            "groupRef": entry.get("groupRef", group.get("groupRef")),
            "groupName": entry.get("groupName", group.get("groupName")),
            "consumerRef": entry.get("consumerRef", consumer.get("consumerRef")),
            "consumerName": entry.get("consumerName", consumer.get("consumerName")),
            **{key: entry.get(key) for key in _PLAIN},
        }
    )
    for kind, keys in _OWN_CLIENT.items():
        if isinstance(request.get(kind), dict):
            # Tokens that were bought for the client are bought anew.
            request[kind] = {key: value for key, value in request[kind].items() if key in keys}
            request.pop("oauth2AuthorizationCode", None)
    if "customAuth" in request:
        request.pop("oauth2AuthorizationCode", None)
    client_id = section(entry, "providerApp").get("clientId")
    return Candidate(request, client_id if isinstance(client_id, str) else None)


def written(connection: Mapping[str, Any], credentials: StoredCredentials) -> dict[str, Any]:
    """The entry of a connection (as on the wire, without credentials) and its credentials."""
    document: dict[str, Any] = orjson.loads(to_document(credentials))
    return {**connection, **{key: value for key, value in document.items() if key in _CREDENTIALS}}
