"""Who may see a field that was just made: nobody, until a permission set says so.

One permission set has the fields of all integrations; the connected user is given it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import orjson

from conjunct.connectors.addresses import with_query
from conjunct.connectors.errors import Conflict, MalformedAnswer, ProviderError
from conjunct.connectors.paths import parse_path
from conjunct.connectors.plans import HttpRequest
from conjunct.connectors.quirks import Host

PERMISSION_SET = "IntegrationCustomFieldVisibility"
LABEL = "Integration custom fields"
ABOUT = "Lets integrations see and change the custom fields that they make."

_API = "/services/data/v60.0"


class Visibility:
    """Makes fields visible to the connected user of one connector."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._permission_set: str | None = None
        self._lock = asyncio.Lock()

    async def show(self, object_name: str, field: str, *, required: bool) -> tuple[str, ...]:
        """Make a field visible; a required one always is. Gives a warning where that fails. Again is no harm."""
        if required:
            return ()
        try:
            async with self._lock:
                if self._permission_set is None:
                    self._permission_set = await self._assigned()
            await self._create(
                "FieldPermissions",
                {
                    "ParentId": self._permission_set,
                    "SobjectType": object_name,
                    "Field": f"{object_name}.{field}",
                    "PermissionsRead": True,
                    "PermissionsEdit": True,
                },
            )
        except ProviderError as error:
            if error.origin == "credentials" or not error.hopeless:
                return (f"The field could not be made visible to the connected user: {error.message}",)
            return (f"Salesforce does not let the field be made visible: {error.message}",)
        return ()

    async def _assigned(self) -> str:
        """The id of the permission set, which the connected user has."""
        found = await self._found()
        if found is None:
            about = {"Name": PERMISSION_SET, "Label": LABEL, "Description": ABOUT}
            found = await self._create("PermissionSet", about) or await self._found()
        user = parse_path("user_id").find((await self._get("/services/oauth2/userinfo")).body)
        if found is None or not isinstance(user, str):
            raise MalformedAnswer("Salesforce does not tell the permission set or the connected user")
        await self._create("PermissionSetAssignment", {"AssigneeId": user, "PermissionSetId": found})
        return found

    async def _found(self) -> str | None:
        query = f"SELECT Id FROM PermissionSet WHERE Name = '{PERMISSION_SET}' LIMIT 1"  # noqa: S608 - a constant
        answered = await self._get(f"{_API}/query", {"q": query})
        found = parse_path("records.0.Id").find(answered.body)
        return found if isinstance(found, str) else None

    async def _create(self, sobject: str, record: Mapping[str, Any]) -> str | None:
        """Create a record. Gives its id, or None where there is one already."""
        url = self._host.address.join(f"{_API}/sobjects/{sobject}")
        headers = {"Content-Type": "application/json"}
        try:
            answered = await self._host.send(HttpRequest("POST", url, headers, orjson.dumps(record)))
        except Conflict:
            return None
        made = parse_path("id").find(answered.body)
        return made if isinstance(made, str) else None

    async def _get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        url = with_query(self._host.address.join(path), query or {})
        return await self._host.send(HttpRequest("GET", url, {}))
