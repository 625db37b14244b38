"""`revisions` and `rollback`: what was deployed, and back to it."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from typing import Annotated, Any
from urllib.parse import quote

import typer

from conjunct.cli.output import CommandFailed
from conjunct.cli.remote import ApiKey, DataDir, Project, Server, Url, find_server
from conjunct.core.settings import DEFAULT_DATA_DIR
from conjunct.core.telemetry import configure

Integration = Annotated[str, typer.Argument(help="The integration's name or id.", show_default=False)]


def revisions(
    integration: Integration,
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    limit: Annotated[int, typer.Option(min=1, max=999, help="How many to show at most.")] = 20,
) -> None:
    """List an integration's revisions, newest first, with who deployed them and what they changed."""
    configure("warning", "auto")
    server = find_server(data_dir, url=url, project=project, api_key=api_key)
    # One more than is shown, as the last one is compared with it.
    found = server.send("GET", f"/integrations/{quote(integration, safe='')}/revisions?pageSize={limit + 1}")
    for each, before in zip_longest(found[:limit], found[1 : limit + 1]):
        latest = ", in force" if each["isLatest"] else ""
        print(f"{each['number']}: {each['id']}, {each['createTime']}, by {each['createdBy']}{latest}")
        for line in _summary(before, each):
            print(f"    {line}")


def rollback(
    integration: Integration,
    to: Annotated[
        str, typer.Option(help="Number or id of the revision to go back to; `previous` is the one before the latest.")
    ] = "previous",
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    destructive: Annotated[
        bool, typer.Option("--destructive", help="Also pause reads of objects that the revision does not have.")
    ] = False,
) -> None:
    """Deploy an earlier revision of an integration again, as a new one that installations follow."""
    configure("warning", "auto")
    server = find_server(data_dir, url=url, project=project, api_key=api_key)
    at = f"/integrations/{quote(integration, safe='')}"
    body = {"revisionId": _revision_id(server, at, to), "destructive": destructive}
    made = server.send("POST", f"{at}:rollback", body)
    print(f"{integration}: revision {made['number']}, {made['id']}, is in force.")


def _summary(before: Mapping[str, Any] | None, revision: Mapping[str, Any]) -> list[str]:
    from conjunct.manifests import Integration, diff, summarize

    old = Integration.model_validate(before["content"]) if before else None
    return summarize(diff(old, Integration.model_validate(revision["content"])))


def _revision_id(server: Server, at: str, named: str) -> str:
    if not named.isdecimal():
        return named
    for each in server.send("GET", f"{at}/revisions"):
        if each["number"] == int(named):
            return str(each["id"])
    raise CommandFailed(
        f"The integration has no revision of the number {named}.", "`conjunct revisions` lists those that there are."
    )
