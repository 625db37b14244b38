"""`validate`, `plan` and `deploy`: a manifest, checked here or sent to a server."""

from __future__ import annotations

import io
import sys
import zipfile
from collections import ChainMap
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from conjunct.cli import plan_text
from conjunct.cli.output import CommandFailed, print_issues
from conjunct.cli.provider_places import BESIDE
from conjunct.cli.remote import ApiKey, DataDir, Project, Server, Url, find_server
from conjunct.core.problems import Problem
from conjunct.core.settings import DEFAULT_DATA_DIR, load_settings
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.manifests import Manifest
    from conjunct.providers import ProjectProviders

FILE_NAMES = ("amp.yaml", "amp.yml")

Source = Annotated[Path, typer.Argument(help="A manifest, or the folder that holds amp.yaml.")]
Destructive = Annotated[
    bool, typer.Option("--destructive", help="Also pause reads of objects that the manifest no longer has.")
]


def validate(source: Source = Path()) -> None:
    """Check a manifest without a server; every fault is told with its line."""
    path, text = _read(source)
    manifest = _parse(
        path, text, own_definitions(path), finest_schedule=timedelta(seconds=load_settings().minimum_schedule_seconds)
    )
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
    path, body, server = _prepare(source, data_dir, url=url, project=project, api_key=api_key)
    address = f"/integrations:plan?destructive={str(destructive).lower()}"
    for line in plan_text.lines(server.send("POST", address, body, source=path)):
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
    path, body, server = _prepare(source, data_dir, url=url, project=project, api_key=api_key)
    address = f"/integrations:batch?destructive={str(destructive).lower()}"
    integrations = server.send("PUT", address, body, source=path)
    for integration in integrations:
        revision = integration["latestRevision"]["id"]
        print(f"{integration['name']}: {integration['provider']}, revision {revision}")
    print(f"Deployed {_count(len(integrations), 'integration')} to {server.url}, project {server.project}.")


def _prepare(
    source: Path, data_dir: Path, *, url: str | None, project: str | None, api_key: str | None
) -> tuple[Path, dict[str, str], Server]:
    """The manifest's place, the body that names what is deployed, found to be good, and the server to send it to."""
    configure("warning", "auto")
    path, text = _read(source)
    definitions = own_definitions(path)
    _parse(path, text, definitions, finest_schedule=timedelta(0))  # how fine they may be is the server's to say
    server = find_server(data_dir, url=url, project=project, api_key=api_key)
    if not definitions:
        return path, {"sourceYaml": text}, server
    return path, {"sourceZipUrl": server.upload(_zipped(text, definitions))}, server


def own_definitions(manifest: Path) -> dict[str, str]:
    """The texts of the providers that stand in `providers` beside a manifest, by name."""
    from conjunct.providers.watching import provider_files

    found = {}
    for name, file in provider_files(manifest.parent / BESIDE).items():
        if (file.parent / "quirks.py").is_file():
            raise CommandFailed(
                f"{file.parent / 'quirks.py'} is code, and code is not deployed: it would run as Conjunct itself does.",
                "Say it as data, or have the operator put the folder into CONJUNCT_PROVIDERS_DIR.",
            )
        found[name] = _text_of(file)
    return found


def _zipped(manifest: str, definitions: dict[str, str]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(FILE_NAMES[0], manifest)
        for name, text in definitions.items():
            archive.writestr(f"providers/{name}/provider.yaml", text)
    return content.getvalue()


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise CommandFailed(f"{path} is not UTF-8 text.") from None


def _read(source: Path) -> tuple[Path, str]:
    candidates = [source / name for name in FILE_NAMES] if source.is_dir() else [source]
    for path in candidates:
        if path.is_file():
            return path, _text_of(path)
    raise CommandFailed(f"There is no manifest at {source}.", "Name a file, or a folder that holds an amp.yaml.")


def _parse(path: Path, text: str, definitions: dict[str, str], *, finest_schedule: timedelta) -> Manifest:
    from conjunct.manifests import Limits, parse_manifest
    from conjunct.providers import ProjectProviders, open_catalog

    known = open_catalog(load_settings().providers_dir)
    own: dict[str, Any] = dict(_modules(path, ProjectProviders(known), definitions))
    all_ = ChainMap(own, cast("Any", known.modules()))
    try:
        return parse_manifest(text, limits=Limits(all_, finest_schedule, known.abilities))
    except Problem as problem:
        print(f"error: {path}: {problem.detail}", file=sys.stderr)
        print_issues([issue.to_wire() for issue in problem.issues], str(path))
        raise typer.Exit(1) from None


def _modules(path: Path, providers: ProjectProviders, definitions: dict[str, str]) -> dict[str, tuple[str, ...]]:
    """The modules of definitions that stand beside the manifest, found to be good."""
    try:
        return {name: tuple(each.modules) for name, each in providers.check(definitions).items()}
    except Problem as problem:
        print(f"error: {path.parent / BESIDE}: {problem.detail}", file=sys.stderr)
        print_issues([issue.to_wire() for issue in problem.issues])
        raise typer.Exit(1) from None


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
