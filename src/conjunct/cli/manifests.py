"""`validate` and `deploy`: a manifest, checked here or sent to a server."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from conjunct.cli.output import CommandFailed, print_issues
from conjunct.core.problems import Problem
from conjunct.core.settings import DEFAULT_DATA_DIR, load_settings
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.manifests import Manifest

FILE_NAMES = ("amp.yaml", "amp.yml")

Source = Annotated[Path, typer.Argument(help="A manifest, or the folder that holds amp.yaml.")]


@dataclass(frozen=True, slots=True)
class Server:
    """Which project of which server a command works on."""

    url: str
    project: str
    api_key: str


def validate(source: Source = Path()) -> None:
    """Check a manifest without a server; every fault is told with its line."""
    path, text = _read(source)
    manifest = _parse(path, text, finest_schedule=timedelta(seconds=load_settings().minimum_schedule_seconds))
    print(f"{path}: good ({_count(len(manifest.integrations), 'integration')}).")


def deploy(
    source: Source = Path(),
    url: Annotated[str | None, typer.Option(help="The server; else CONJUNCT_URL, else bootstrap.json's.")] = None,
    project: Annotated[str | None, typer.Option(help="The project's id or name.")] = None,
    api_key: Annotated[
        str | None, typer.Option(help="API key; better given as CONJUNCT_API_KEY.", show_default=False)
    ] = None,
    data_dir: Annotated[Path, typer.Option(help="Where bootstrap.json is.")] = DEFAULT_DATA_DIR,
    destructive: Annotated[
        bool, typer.Option("--destructive", help="Also pause reads of objects that the manifest no longer has.")
    ] = False,
) -> None:
    """Deploy a manifest's integrations: all of them, or none when one is not good."""
    configure("warning", "auto")
    path, text = _read(source)
    _parse(path, text, finest_schedule=timedelta(0))  # how fine schedules may be is the server's to say
    server = _find_server(data_dir, url=url, project=project, api_key=api_key)
    integrations = asyncio.run(_put(server, text, path, destructive=destructive))
    for integration in integrations:
        revision = integration["latestRevision"]["id"]
        print(f"{integration['name']}: {integration['provider']}, revision {revision}")
    print(f"Deployed {_count(len(integrations), 'integration')} to {server.url}, project {server.project}.")


def _read(source: Path) -> tuple[Path, str]:
    candidates = [source / name for name in FILE_NAMES] if source.is_dir() else [source]
    for path in candidates:
        if path.is_file():
            try:
                return path, path.read_text()
            except UnicodeDecodeError:
                raise CommandFailed(f"{path} is not UTF-8 text.") from None
    raise CommandFailed(f"There is no manifest at {source}.", "Name a file, or a folder that holds an amp.yaml.")


def _parse(path: Path, text: str, *, finest_schedule: timedelta) -> Manifest:
    from conjunct.manifests import Limits, parse_manifest
    from conjunct.providers import catalog

    try:
        return parse_manifest(text, limits=Limits(catalog().modules(), finest_schedule))
    except Problem as problem:
        print(f"error: {path}: {problem.detail}", file=sys.stderr)
        print_issues([issue.to_wire() for issue in problem.issues], str(path))
        raise typer.Exit(1) from None


def _find_server(data_dir: Path, *, url: str | None, project: str | None, api_key: str | None) -> Server:
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


async def _put(server: Server, text: str, path: Path, *, destructive: bool) -> list[dict[str, Any]]:
    from conjunct.core.egress import Egress, EgressError, EgressPolicy

    project = quote(server.project, safe="")
    url = f"{server.url}/v1/projects/{project}/integrations:batch?destructive={str(destructive).lower()}"
    headers = {"X-Api-Key": server.api_key, "Content-Type": "application/json"}
    body = json.dumps({"sourceYaml": text}).encode()
    async with Egress(policy=EgressPolicy(), user_agent="conjunct-cli") as egress:
        try:
            response = await egress.request("PUT", url, headers=headers, body=body, allow_private=True)
        except EgressError as error:
            raise CommandFailed(f"{server.url} does not answer: {error}", "Is the server running?") from None
    try:
        answer = json.loads(response.body)
    except ValueError:
        raise CommandFailed(f"{server.url} answered {response.status} with something that is not JSON.") from None
    if response.status != 200:
        print(f"error: {answer.get('detail', response.status)}", file=sys.stderr)
        print_issues(answer.get("issues", []), str(path))
        if answer.get("remedy"):
            print(f"  {answer['remedy']}", file=sys.stderr)
        raise typer.Exit(1)
    integrations: list[dict[str, Any]] = answer
    return integrations


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
