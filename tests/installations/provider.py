"""A provider of the test's own: a definition, and a server on loopback that answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse

from tests.support.servers import serve

_DEFINITION = """
spec: conjunct/provider@1
name: {name}
display: {name}
base_url: https://{name}.example.com
auth: {{type: apiKey, name: X-Key}}
defaults:
  time: rfc3339
  read:
    request:
      path: /{{object}}
      query: {{fields: "{{fields|csv}}", limit: "{{page_size}}"}}
    page: {{style: none, size: {{default: 100, max: 100}}}}
    records: results
    id: id
  schema:
    source: describe
    request: {{path: "/{{object}}/fields"}}
    fields_at: fields
    name: name
    display: label
    read_only_at: fixed
objects:
  contacts: {{}}
  deals: {{}}
  tickets: {{}}
errors:
  message_at: message
"""


def write_providers(folder: Path, *names: str) -> Path:
    """The folder, with a definition of each provider in it."""
    for name in names:
        file = folder / name / "provider.yaml"
        file.parent.mkdir(parents=True)
        file.write_text(_DEFINITION.format(name=name))
    return folder


@dataclass
class Provider:
    """The server: what it was asked, and what it answers for an object (status, message); an empty page otherwise."""

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    silent: asyncio.Event = field(default_factory=asyncio.Event)
    keys: set[str] = field(default_factory=set)

    def sampled(self) -> dict[str, set[str]]:
        """The fields that were asked for, by object."""
        return {path.strip("/"): set(filter(None, query["fields"].split(","))) for path, query in self.asked}


@asynccontextmanager
async def served_provider() -> AsyncIterator[Provider]:
    """A provider that is up."""
    provider, app = Provider(), FastAPI()

    @app.get("/{name}/fields")
    async def describe(name: str) -> JSONResponse:
        provider.asked.append((f"/{name}/fields", {"fields": ""}))
        status, message = provider.answers.get(name, (200, ""))
        if status != 200:
            return JSONResponse({"message": message}, status, headers={"Retry-After": "60"})
        fields = [{"name": "email", "label": f"Email of {name}"}, {"name": "id", "label": "Id", "fixed": True}]
        return JSONResponse({"fields": fields})

    @app.get("/{name}")
    async def read(name: str, request: Request) -> Response:
        provider.asked.append((request.url.path, dict(request.query_params)))
        provider.keys.add(request.headers.get("X-Key", ""))
        status, message = provider.answers.get(name, (200, ""))
        if status == 0:
            await provider.silent.wait()
        if status in (0, 200):
            return JSONResponse({"results": []})
        return JSONResponse({"message": message}, status)

    async with serve(app) as client:
        provider.url = str(client.base_url).rstrip("/")
        try:
            yield provider
        finally:
            provider.silent.set()
