"""The command's entry: its subcommands, and how what goes wrong is told."""

from __future__ import annotations

import sys

import typer

from conjunct import __version__
from conjunct.cli import (
    admin,
    connect_links,
    connections,
    deliveries,
    keys,
    manifests,
    providers,
    revisions,
    servers,
    simulate,
)
from conjunct.cli.demo import demo
from conjunct.cli.output import print_failure

app = typer.Typer(
    name="conjunct",
    help="Native product integrations, self-hosted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(servers.up)
app.command()(servers.api)
app.command()(servers.worker)
app.command()(servers.migrate)
app.command()(manifests.validate)
app.command()(manifests.plan)
app.command()(manifests.deploy)
app.command()(revisions.revisions)
app.command()(revisions.rollback)
app.command()(connect_links.connect_link)
app.command()(simulate.simulate)
app.command()(demo)
app.add_typer(providers.app, name="provider")
app.add_typer(connections.app, name="connections")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(admin.app, name="admin")
app.add_typer(keys.app, name="keys")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"conjunct {__version__}")
        raise typer.Exit


@app.callback()
def root(
    _version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    """Native product integrations, self-hosted."""


def main() -> None:
    """Run the command; what goes wrong is told in words, with what to do, and never as a traceback."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:  # noqa: BLE001 - the command's boundary: every error is told, unexpected ones in full
        sys.exit(print_failure(error))
