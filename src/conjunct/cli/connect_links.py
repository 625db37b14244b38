"""`connect-link`: a URL that walks a customer through connecting a provider."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from conjunct.cli.remote import ApiKey, DataDir, Project, Url, find_server
from conjunct.core.settings import DEFAULT_DATA_DIR
from conjunct.core.telemetry import configure


def connect_link(
    providers: Annotated[
        list[str], typer.Argument(help="The provider; or several, of which the customer chooses.", show_default=False)
    ],
    group: Annotated[str, typer.Option(help="Your reference for the customer.", show_default=False)],
    consumer: Annotated[str, typer.Option(help="Your reference for the person.", show_default=False)],
    return_url: Annotated[str | None, typer.Option(help="Where the customer goes at the end.")] = None,
    hours: Annotated[int, typer.Option(min=1, max=720, help="How long the link is good for.")] = 24,
    url: Url = None,
    project: Project = None,
    api_key: ApiKey = None,
    data_dir: DataDir = DEFAULT_DATA_DIR,
) -> None:
    """Make a link for a customer to connect a provider, and print its URL."""
    configure("warning", "auto")
    server = find_server(data_dir, url=url, project=project, api_key=api_key)
    chosen = {"provider": providers[0]} if len(providers) == 1 else {"providers": providers}
    body: dict[str, Any] = {**chosen, "groupRef": group, "consumerRef": consumer, "expiresInSeconds": hours * 3600}
    if return_url is not None:
        body["returnUrl"] = return_url
    print(server.send("POST", "/connect-links", body)["url"])
