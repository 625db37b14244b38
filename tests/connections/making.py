"""Connections to test with."""

from __future__ import annotations

from typing import Any

import httpx

SECRET = "planted-s3cret"

CREDENTIALS: dict[str, dict[str, Any]] = {
    "keyed": {"apiKey": SECRET},
    "placed": {
        "apiKey": SECRET,
        "providerWorkspaceRef": "acme",
        "providerMetadata": {"accountId": {"value": "1234", "source": "input"}},
    },
    "guarded": {"basicAuth": {"username": "ann", "password": SECRET}},
    "halved": {"apiKey": SECRET},
    "hubspot": {
        "oauth2AuthorizationCode": {
            "accessToken": {
                "token": f"{SECRET}-access",
                "issuedAt": "2026-03-01T12:30:00+02:00",
                "expiresAt": "2026-03-01T13:00:00Z",
            },
            "refreshToken": {"token": f"{SECRET}-refresh"},
            "scopes": ["crm.objects.contacts.read", "oauth"],
        }
    },
}


async def make(
    client: httpx.AsyncClient,
    provider: str,
    *,
    group: str = "g-1",
    consumer: str = "c-1",
    project: str = "acme",
    api_key: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A new connection, as the API answers it."""
    response = await client.post(
        f"/v1/projects/{project}/connections:generate",
        json={"groupRef": group, "consumerRef": consumer, "provider": provider, **CREDENTIALS[provider], **more},
        headers={"X-Api-Key": api_key} if api_key else None,
    )
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()
    return made
