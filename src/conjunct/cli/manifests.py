"""`validate`, `plan` and `deploy`: a manifest, checked here or sent to a server."""

from __future__ import annotations

import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from conjunct.cli import plan_text
from conjunct.cli.output import CommandFailed, print_issues
from conjunct.cli.remote import ApiKey, DataDir, Project, Server, Url, find_server
from conjunct.core.problems import Problem
from conjunct.core.settings import DEFAULT_DATA_DIR, load_settings
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.manifests import Manifest

FILE_NAMES = ("amp.yaml", "amp.yml")

Source = Annotated[Path, typer.Argument(help="A manifest, or the folder that holds amp.yaml.")]
Destructive = Annotated[
    bool, typer.Option("--destructive", help="Also pause reads of objects that the manifest no longer has.")
]


def validate(source: Source = Path()) -> None:
    """Check a manifest without a server; every fault is told with its line."""
    path, text = _read(source)
    manifest = _parse(path, text, finest_schedule=timedelta(seconds=load_settings().minimum_schedule_seconds))
    print(f"{path}: good ({_count(len(manifest.integrations), 'integration')}).")


def plan(
    source: Source = Path(),
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    destructive: Destructive = False,
) -> None:
    """Tell what deploying a manifest would change, and for which installations; nothing is changed."""
    path, text, server = _prepare(source, data_dir, url=url, project=project, api_key=api_key)
    address = f"/integrations:plan?destructive={str(destructive).lower()}"
    for line in plan_text.lines(server.send("POST", address, {"sourceYaml": text}, source=path)):
        print(line)


def deploy(
    source: Source = Path(),
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    destructive: Destructive = False,
) -> None:
    """Deploy a manifest's integrations: all of them, or none when one is not good."""
    path, text, server = _prepare(source, data_dir, url=url, project=project, api_key=api_key)
    address = f"/integrations:batch?destructive={str(destructive).lower()}"
    integrations = server.send("PUT", address, {"sourceYaml": text}, source=path)
    for integration in integrations:
        revision = integration["latestRevision"]["id"]
        print(f"{integration['name']}: {integration['provider']}, revision {revision}")
    print(f"Deployed {_count(len(integrations), 'integration')} to {server.url}, project {server.project}.")


def _prepare(
    source: Path, data_dir: Path, *, url: str | None, project: str | None, api_key: str | None
) -> tuple[Path, str, Server]:
    """The manifest's place and text, found to be good, and the server to send it to."""
    configure("warning", "auto")
    path, text = _read(source)
    _parse(path, text, finest_schedule=timedelta(0))  # how fine schedules may be is the server's to say
    return path, text, find_server(data_dir, url=url, project=project, api_key=api_key)


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
    from conjunct.providers import open_catalog

    known = open_catalog(load_settings().providers_dir).modules()
    try:
        return parse_manifest(text, limits=Limits(known, finest_schedule))
    except Problem as problem:
        print(f"error: {path}: {problem.detail}", file=sys.stderr)
        print_issues([issue.to_wire() for issue in problem.issues], str(path))
        raise typer.Exit(1) from None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
