"""Calls operations by their names, and keeps what came of it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx

from tests.api.conformance.operations import Specified, specified_operations


class Driver:
    """Calls the specified operations over HTTP; any answer that is not as specified fails at once.

    `places` are values of path parameters, by their names, for calls that do not give their own.
    """

    def __init__(self, client: httpx.AsyncClient, credentials: dict[str, dict[str, str]], **places: str) -> None:
        self._client = client
        self._credentials = credentials
        self.places = places
        self.operations = specified_operations()
        self.seen: dict[str, set[int]] = defaultdict(set)

    async def call(
        self,
        name: str,
        status: int,
        /,
        *,
        by: str = "full",
        json: Any = None,
        query: dict[str, str] | None = None,
        places: Mapping[str, str] | None = None,
        **place: str,
    ) -> Any:
        """Call the operation as somebody; gives the body of an answer with that status, parsed where it is JSON."""
        specified = self.operations[name]
        path, given = specified.path, {**self.places, **(places or {}), **place}
        for parameter in re.findall(r"{(\w+)}", path):
            value = given[parameter]
            path = path.replace(f"{{{parameter}}}", quote(value, safe=""))
        options: dict[str, Any] = {} if json is None else {"json": json}
        response = await self._client.request(
            specified.method, path, params=query, headers=self._credentials[by], **options
        )
        assert response.status_code == status, f"{name}: {response.status_code} {response.text[:1000]}"
        self.take(specified, response)
        if response.content and response.headers["content-type"].startswith("application/json"):
            return response.json()
        return response.text

    def take(self, specified: Specified, response: httpx.Response) -> None:
        """Hold an answer against the specification, and remember that it was."""
        faults = "\n".join(specified.faults(response))
        assert not faults, f"{specified.name} {response.status_code}:\n{faults}\n{response.text[:1000]}"
        self.seen[specified.name].add(response.status_code)

    def table(self) -> str:
        """What was seen, as a table in Markdown."""
        lines = ["| operation | request | answers that were seen and are as specified |", "| --- | --- | --- |"]
        for name, specified in sorted(self.operations.items()):
            statuses = ", ".join(str(status) for status in sorted(self.seen[name]))
            lines.append(f"| `{name}` | `{specified.method} {specified.path}` | {statuses or 'none'} |")
        return "\n".join(lines) + "\n"
