"""`deliveries`: what became of a destination's messages, and having them sent again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote, urlencode

import typer

from conjunct.cli.remote import ApiKey, DataDir, Project, Server, Url, find_server
from conjunct.core.settings import DEFAULT_DATA_DIR
from conjunct.core.telemetry import configure

app = typer.Typer(help="See a destination's deliveries, and have messages sent again.", no_args_is_help=True)

Destination = Annotated[str, typer.Argument(help="The destination's name or id.", show_default=False)]
Moment = Annotated[str | None, typer.Option(help="As 2026-01-31T09:30:00Z.", show_default=False)]


@app.command("list")
def list_(
    destination: Destination,
    status: Annotated[
        str | None,
        typer.Option(help="pending, delivered, exhausted, setAside, held or expired.", show_default=False),
    ] = None,
    operation: Annotated[str | None, typer.Option(help="Only of this operation.", show_default=False)] = None,
    since: Moment = None,
    until: Moment = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")] = 20,
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """List deliveries, newest first, and how the destination does."""
    at, server = _destination(destination, data_dir, url, project, api_key)
    asked = {"status": status, "operationId": operation, "since": since, "until": until, "pageSize": limit}
    query = urlencode({name: value for name, value in asked.items() if value is not None})
    found = server.send("GET", f"{at}/deliveries?{query}")
    health = server.send("GET", f"{at}/health")
    for each in found:
        print(f"{each['createTime']}  {each['status']:9}  {each['messageId']}  {_story(each)}")
    waiting = ", ".join(f"{health[name]['messages']} {name}" for name in ("pending", "setAside", "exhausted", "held"))
    reason = f" ({health['disabledReason']})" if "disabledReason" in health else ""
    print(f"{destination} is {health['state']}{reason}: {waiting}")


@app.command("recover")
def recover(
    destination: Destination,
    since: Moment = None,
    until: Moment = None,
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Try again all that was given up or set aside, in the background. A disabled destination is enabled."""
    at, server = _destination(destination, data_dir, url, project, api_key)
    body = {name: value for name, value in (("since", since), ("until", until)) if value is not None}
    started = server.send("POST", f"{at}/deliveries:recover", body)
    print(f"{started['messages']} message(s) are tried again.")


@app.command("replay")
def replay(
    destination: Destination,
    message: Annotated[str, typer.Argument(help="The message's id.", show_default=False)],
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Send one message again now, under its id."""
    at, server = _destination(destination, data_dir, url, project, api_key)
    server.send("POST", f"{at}/deliveries/{quote(message, safe='')}:replay")
    print(f"{message} is sent again.")


def _destination(
    name: str, data_dir: Path, url: str | None, project: str | None, api_key: str | None
) -> tuple[str, Server]:
    configure("warning", "auto")
    return f"/destinations/{quote(name, safe='')}", find_server(data_dir, url=url, project=project, api_key=api_key)


def _story(delivery: Mapping[str, Any]) -> str:
    """How it went, in a few words."""
    words = [f"{delivery['records']} record(s)", f"{delivery['attemptCount']} attempt(s)"]
    if "latencyMs" in delivery:
        words.append(f"accepted after {delivery['latencyMs']} ms")
    if "nextAttemptTime" in delivery:
        words.append(f"next at {delivery['nextAttemptTime']}")
    if "lastError" in delivery:
        words.append(str(delivery["lastError"]))
    return ", ".join(words)
