"""`connections export` and `connections import`: all connections, with their secrets, out of a project and into one."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from conjunct.cli.output import CommandFailed
from conjunct.cli.remote import ApiKey, DataDir, Project, Server, Url, find_server
from conjunct.core.settings import DEFAULT_DATA_DIR
from conjunct.core.telemetry import configure

app = typer.Typer(help="Take connections out of a project, and bring them in.", no_args_is_help=True)

BATCH = 200
"""Connections a request: some megabytes at most."""


class Format(StrEnum):
    """How connections are written."""

    ampersand = "ampersand"
    nango = "nango"


FormatOption = Annotated[Format, typer.Option("--format", help="How connections are written.")]
Pairs = Annotated[
    list[str] | None,
    typer.Option("--provider", help="Our provider for a name in the file, as `google-mail=google`; may be repeated."),
]


@app.command("export")
def export_(
    file: Annotated[Path, typer.Argument(help="Where to write; made readable for you alone.", show_default=False)],
    format_: FormatOption = Format.ampersand,
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Write all connections, WITH THEIR SECRETS, to a new file."""
    configure("warning", "auto")
    server = find_server(data_dir, url=url, project=project, api_key=api_key)
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandFailed(
            f"{file} cannot be written: {error.strerror}.", "Name a file that is not there yet."
        ) from None
    with os.fdopen(descriptor, "w") as out:
        entries = [each for page in _pages(server, format_) for each in page]
        json.dump(entries, out, indent=1)
    print(f"{len(entries)} connection(s) are in {file}. It holds their secrets: keep it safe, and delete it soon.")


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="A JSON list of connections.", exists=True, dir_okay=False)],
    format_: FormatOption = Format.ampersand,
    providers: Pairs = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Also where the consumer has a connection to the provider already.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen, and change nothing.")] = False,
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Bring connections in from a file. An entry that is refused keeps no other out; each is told."""
    configure("warning", "auto")
    server = find_server(data_dir, url=url, project=project, api_key=api_key)
    entries = _read(file)
    counts: Counter[str] = Counter()
    for start in range(0, len(entries), BATCH):
        body = {
            "format": format_.value,
            "connections": entries[start : start + BATCH],
            "providers": dict(_pair(each) for each in providers or []),
            "onExisting": "replace" if replace else "skip",
            "dryRun": dry_run,
        }
        for result in server.send("POST", "/connections:import", body)["results"]:
            counts[result["status"]] += 1
            _tell(start + result["index"], result)
    would = "would be " if dry_run else ""
    print(", ".join(f"{counts[each]} {would}{each}" for each in ("created", "replaced", "skipped", "failed")))
    if counts["failed"]:
        raise typer.Exit(1)


def _pages(server: Server, format_: Format) -> Iterator[list[dict[str, Any]]]:
    path: str | None = f"/connections:export?pageSize={BATCH}"
    while path is not None:
        page, following = server.send_for_page("POST", path, {"format": format_.value})
        yield page
        path = None if following is None else f"/connections:export?pageSize={BATCH}&pageToken={following}"


def _read(file: Path) -> list[Any]:
    try:
        content = json.loads(file.read_bytes())
    except ValueError as error:
        raise CommandFailed(f"{file} is not JSON: {error}.") from None
    if isinstance(content, dict):
        content = content.get("connections", content)
    if not isinstance(content, list):
        raise CommandFailed(
            f"{file} holds no list of connections.", "It is a JSON list, or an object with `connections`."
        )
    return content


def _pair(text: str) -> tuple[str, str]:
    theirs, separator, ours = text.partition("=")
    if not separator or not theirs or not ours:
        raise CommandFailed(f"--provider {text!r} is not of the form name=provider.")
    return theirs, ours


def _tell(index: int, result: Mapping[str, Any]) -> None:
    if result.get("detail") is None:
        return
    who = f"{result.get('provider') or 'unknown provider'} of {result.get('groupRef') or 'unknown group'}"
    stream = sys.stderr if result["status"] == "failed" else sys.stdout
    print(f"{index}: {who}: {result['status']}: {result['detail']}", file=stream)
    for issue in result.get("issues", []):
        print(f"    {issue['name']}: {issue['detail']}", file=stream)
