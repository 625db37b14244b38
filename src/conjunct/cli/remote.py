"""The server that a command speaks to over the API, and how it is found."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from conjunct.cli.output import CommandFailed, print_issues

Url = Annotated[str | None, typer.Option(help="The server; else CONJUNCT_URL, else bootstrap.json's.")]
Project = Annotated[str | None, typer.Option(help="The project's id or name.")]
ApiKey = Annotated[str | None, typer.Option(help="API key; better given as CONJUNCT_API_KEY.", show_default=False)]
DataDir = Annotated[Path, typer.Option(help="Where bootstrap.json is.")]


@dataclass(frozen=True, slots=True)
class Server:
    """Which project of which server a command works on."""

    url: str
    project: str
    api_key: str = field(repr=False)

    def send(self, method: str, path: str, body: Any = None, *, source: Path | None = None) -> Any:
        """The answer to a request below the project's path; a refusal is told, with the source's lines, and ends it."""
        return asyncio.run(self._send(method, path, body, source))[0]

    def send_for_page(self, method: str, path: str, body: Any = None) -> tuple[Any, str | None]:
        """As `send`, with the token of the list's next page, if there is one."""
        return asyncio.run(self._send(method, path, body, None))

    def upload(self, archive: bytes) -> str:
        """Upload an archive for a deploy; gives the address that the deploy names it by."""
        return asyncio.run(self._upload(archive))

    async def _upload(self, archive: bytes) -> str:
        from conjunct.core.egress import Egress, EgressError, EgressPolicy

        md5 = base64.b64encode(hashlib.md5(archive, usedforsecurity=False).digest()).decode()
        headers, asked = {"X-Api-Key": self.api_key}, f"{self.url}/v1/generate-upload-url?md5={quote(md5, safe='')}"
        async with Egress(policy=EgressPolicy(), user_agent="conjunct-cli") as egress:
            try:
                signed = await egress.request("GET", asked, headers=headers, allow_private=True)
                place = _answer_of(signed.status, signed.body, None)
                sent = {"Content-Type": "application/zip", "Content-MD5": md5}
                # To the server that the command speaks to: the one that it names may be for others' networks.
                url = self.url + place["url"][place["url"].index("/v1/") :]
                put = await egress.request("PUT", url, headers=sent, body=archive, allow_private=True)
            except EgressError as error:
                raise CommandFailed(f"{self.url} does not answer: {error}", "Is the server running?") from None
        _answer_of(put.status, put.body or b"{}", None)
        return f"gs://{place['bucket']}{place['path']}"

    async def _send(self, method: str, path: str, body: Any, source: Path | None) -> tuple[Any, str | None]:
        from conjunct.core.egress import Egress, EgressError, EgressPolicy

        url = f"{self.url}/v1/projects/{quote(self.project, safe='')}{path}"
        headers = {"X-Api-Key": self.api_key, "Content-Type": "application/json"}
        content = None if body is None else json.dumps(body).encode()
        async with Egress(policy=EgressPolicy(), user_agent="conjunct-cli") as egress:
            try:
                response = await egress.request(method, url, headers=headers, body=content, allow_private=True)
            except EgressError as error:
                raise CommandFailed(f"{self.url} does not answer: {error}", "Is the server running?") from None
        return _answer_of(response.status, response.body, source, self.url), response.headers.get("X-Next-Page-Token")


def _answer_of(status: int, body: bytes, source: Path | None, url: str = "The server") -> Any:
    """What a server answered; a refusal is told, and ends the command."""
    try:
        answer = json.loads(body)
    except ValueError:
        raise CommandFailed(f"{url} answered {status} with something that is not JSON.") from None
    if status >= 400:
        print(f"error: {answer.get('detail', status)}", file=sys.stderr)
        print_issues(answer.get("issues", []), None if source is None else str(source))
        if answer.get("remedy"):
            print(f"  {answer['remedy']}", file=sys.stderr)
        raise typer.Exit(1)
    return answer


def find_server(data_dir: Path, *, url: str | None, project: str | None, api_key: str | None) -> Server:
    """The server by options, else by the environment, else by what `conjunct up` has written."""
    bootstrap = data_dir / "bootstrap.json"
    known = _read_bootstrap(bootstrap) if bootstrap.is_file() else {}
    found_url = url or os.environ.get("CONJUNCT_URL") or known.get("url")
    found_key = api_key or os.environ.get("CONJUNCT_API_KEY") or known.get("apiKey")
    if not found_url or not found_key:
        raise CommandFailed(
            "Which server is not known.",
            f"Run this where `conjunct up` has written {bootstrap}, or set CONJUNCT_URL and CONJUNCT_API_KEY.",
        )
    found_project = project or os.environ.get("CONJUNCT_PROJECT") or known.get("projectName") or "default"
    return Server(found_url.rstrip("/"), found_project, found_key)


def _read_bootstrap(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_bytes())
    except ValueError:
        content = None
    if not isinstance(content, dict):
        raise CommandFailed(
            f"{path} is not what `conjunct up` writes.", "Set CONJUNCT_URL and CONJUNCT_API_KEY instead."
        )
    return content
