"""`admin`: orgs, builders and projects, made by whoever runs the server."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from conjunct.cli.output import CommandFailed
from conjunct.cli.reaching import reached_database
from conjunct.core.settings import Settings, load_settings
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.app.administration import Administration
    from conjunct.tenants import ProjectKeys

LONGEST = 200

Made = TypeVar("Made")
DataDir = Annotated[Path | None, typer.Option(help="Folder of `conjunct up`.", show_default=".conjunct")]
Email = Annotated[str, typer.Argument(help="The builder's email address.")]
FirstName = Annotated[str | None, typer.Option(help="The builder's first name.")]
LastName = Annotated[str | None, typer.Option(help="The builder's last name.")]

app = typer.Typer(
    help="Make orgs, builders and projects, on the database itself.", no_args_is_help=True, rich_markup_mode=None
)


@app.command()
def create_org(
    label: Annotated[str, typer.Argument(help="What people call the org.")],
    builder: Annotated[str, typer.Option(help="Email address of its owner, who is made if need be.")],
    first_name: FirstName = None,
    last_name: LastName = None,
    data_dir: DataDir = None,
) -> None:
    """Make an org and its first builder, who owns it; the builder's token is shown once."""
    label, email = _text(label, "The label"), _email(builder)
    names = _names(first_name, last_name)
    org_id, token = _run(_settings(data_dir), lambda admin: admin.create_org(label, email, **names))
    print(f"Made the org {label!r}: {org_id}")
    _print_token(email, token)


@app.command()
def create_builder(
    email: Email,
    org: Annotated[str | None, typer.Option(help="Id of the org to put them into; none without it.")] = None,
    owner: Annotated[bool, typer.Option("--owner", help="Make them an owner of the org.")] = False,
    first_name: FirstName = None,
    last_name: LastName = None,
    data_dir: DataDir = None,
) -> None:
    """Make a builder; their token is shown once."""
    if owner and org is None:
        raise CommandFailed("--owner says what somebody is in an org, and there is none.", "Name it with --org.")
    address, names = _email(email), _names(first_name, last_name)
    org_id = None if org is None else _text(org, "The org's id")
    builder_id, token = _run(
        _settings(data_dir), lambda admin: admin.create_builder(address, org_id=org_id, owner=owner, **names)
    )
    print(f"Made the builder {address}: {builder_id}")
    _print_token(address, token)


@app.command()
def create_token(
    email: Email,
    revoke: Annotated[bool, typer.Option("--revoke", help="Make all tokens that they have void.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Make a new token for a builder; it is shown once."""
    address = _email(email)
    token, revoked = _run(_settings(data_dir), lambda admin: admin.create_token(address, revoke=revoke))
    if revoke:
        print(f"Revoked: {revoked}; servers that run forget them within 5 seconds.")
    _print_token(address, token)


@app.command()
def create_project(
    name: Annotated[str, typer.Argument(help="Letters, digits and hyphens; unique in the org.")],
    org: Annotated[str, typer.Option(help="Id of the org.")],
    app_name: Annotated[str | None, typer.Option(help="What customers see; the name without it.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Make a project; its first API key is shown once."""
    settings = _settings(data_dir)
    keys, org_id = _keys(settings), _text(org, "The org's id")
    shown = name if app_name is None else _text(app_name, "The app's name")
    made = _run(
        settings,
        lambda admin: admin.create_project(keys, org_id=org_id, name=_text(name, "The name"), app_name=shown),
    )
    print(f"Made the project {made.project_name!r}: {made.project_id}")
    print(f"API key, shown this once: {made.api_key}")


@app.command()
def list_orgs(data_dir: DataDir = None) -> None:
    """List the orgs with their owners and projects."""
    for org in _run(_settings(data_dir), lambda admin: admin.list_orgs()):
        owners, projects = ", ".join(sorted(org.owners)) or "nobody", ", ".join(sorted(org.projects)) or "none"
        print(f"{org.id}  {org.label}")
        print(f"  builders: {org.builders}, owned by {owners}; projects: {projects}")


def _settings(data_dir: Path | None) -> Settings:
    settings = load_settings(data_dir=data_dir)
    configure("warning", settings.log_format)
    return settings


def _run(settings: Settings, work: Callable[[Administration], Awaitable[Made]]) -> Made:
    from conjunct.app.administration import Administration
    from conjunct.core.encryption import DecryptionFailed

    async def run() -> Made:
        async with reached_database(settings) as database:
            return await work(Administration(database))

    try:
        return asyncio.run(run())
    except DecryptionFailed:
        raise CommandFailed(
            "The master key here is not the one that this database's projects are encrypted with.",
            "Set CONJUNCT_MASTER_KEY, or --data-dir, to what the servers have.",
        ) from None


def _keys(settings: Settings) -> ProjectKeys:
    """The master key that the servers have; a new one, as a server's first start makes it, would open nothing."""
    from conjunct.tenants import ProjectKeys

    if settings.master_key is None and not settings.master_key_file.exists():
        raise CommandFailed(
            f"There is no master key: CONJUNCT_MASTER_KEY is not set, and {settings.data_dir} holds none.",
            "Set CONJUNCT_MASTER_KEY, or --data-dir, to what the servers have.",
        )
    return ProjectKeys(settings.load_master_keys())


def _email(text: str) -> str:
    from conjunct.tenants.addresses import email_address

    try:
        return email_address(_text(text, "The email address"))
    except ValueError as error:
        raise CommandFailed(f"{text!r}: {error}.") from None


def _names(first_name: str | None, last_name: str | None) -> dict[str, str | None]:
    return {
        "first_name": None if first_name is None else _text(first_name, "The first name"),
        "last_name": None if last_name is None else _text(last_name, "The last name"),
    }


def _text(text: str, what: str) -> str:
    bare = text.strip()
    if not bare or len(bare) > LONGEST or not bare.isprintable():
        raise CommandFailed(f"{what} must be 1 to {LONGEST} printable characters.")
    return bare


def _print_token(email: str, token: str) -> None:
    print(f"Token of {email}, shown this once: {token}")
