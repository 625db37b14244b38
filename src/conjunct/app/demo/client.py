"""The demo's view of the API: what a builder's own code would send."""

from __future__ import annotations

from typing import Any

import orjson

from conjunct.core.egress import Egress


class DemoFailed(Exception):
    """The demo did not end as it must; the message says where."""


class Client:
    """Requests to one server with one key, as JSON."""

    def __init__(self, egress: Egress, url: str, api_key: str | None = None, bearer: str | None = None) -> None:
        self._egress = egress
        self._url = url
        self._headers = {"Content-Type": "application/json"}
        if api_key:
            self._headers["X-Api-Key"] = api_key
        if bearer:
            self._headers["Authorization"] = f"Bearer {bearer}"

    async def get(self, path: str) -> Any:
        """The JSON at a path."""
        return await self._send("GET", path, None)

    async def post(self, path: str, body: Any) -> Any:
        """Send JSON; returns the answer's."""
        return await self._send("POST", path, body)

    async def put(self, path: str, body: Any) -> Any:
        """Send JSON; returns the answer's."""
        return await self._send("PUT", path, body)

    async def _send(self, method: str, path: str, body: Any) -> Any:
        content = None if body is None else orjson.dumps(body)
        response = await self._egress.request(
            method, self._url + path, headers=self._headers, body=content, allow_private=True
        )
        answer = orjson.loads(response.body) if response.body else None
        if response.status >= 300:
            detail = answer.get("detail") if isinstance(answer, dict) else None
            raise DemoFailed(f"{method} {path} answered {response.status}: {detail or response.body[:500]!r}")
        return answer
