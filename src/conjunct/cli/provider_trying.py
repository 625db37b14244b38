"""`provider try`: ask a provider for something with real credentials, and show what goes over the wire."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conjunct.cli.output import CommandFailed
from conjunct.cli.provider_places import load, place_of
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.connectors import Connector, Credentials, Definition, ProviderError, Record, Transport
    from conjunct.connectors.answers import Response

CREDENTIALS = "CONJUNCT_PROVIDER_CREDENTIALS"
SHOWN = 2000

MEANINGS = {
    "auth_invalid": "A run renews the token once and asks again; refused again, the connection has bad credentials.",
    "auth_revoked": "The connection has bad credentials until the customer connects again.",
    "cursor_gone": "A run begins the read anew.",
    "rate_limited": "A run waits as long as the provider says, and goes on.",
    "quota_exhausted": "A run waits until the quota is there again, and goes on.",
}
"""What the class of an error means for a run, where that is more than whether it is tried again."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What to ask for."""

    object: str
    fields: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    limit: int = 5
    search: tuple[tuple[str, str], ...] = ()
    id: str | None = None
    describe: bool = False
    write: tuple[str, dict[str, Any]] | None = None


def try_(
    provider: Annotated[str, typer.Argument(help="The provider's name, or its folder.")],
    object_name: Annotated[str, typer.Argument(help="The object, such as `contacts`.")],
    credentials: Annotated[
        Path | None,
        typer.Option(
            help="File with the key or token, or with a mapping (`username` and `password`; names of a custom scheme); "
            f"else {CREDENTIALS} has that text, else it is asked for."
        ),
    ] = None,
    given: Annotated[
        list[str] | None, typer.Option("--input", help="What customers tell, as `workspace=acme`; may be given again.")
    ] = None,
    module: Annotated[str | None, typer.Option(help="The provider's module.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Another server instead of the provider's own.")] = None,
    fields: Annotated[str | None, typer.Option(help="Fields, comma-separated; all when not said.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what changed since, as 2026-01-31T12:00:00Z.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what changed until.")] = None,
    limit: Annotated[int, typer.Option(help="Records to show; pages are read until there are so many.")] = 5,
    search: Annotated[
        list[str] | None, typer.Option(help="Search, as `email=ada@example.com`; may be repeated.")
    ] = None,
    id_: Annotated[
        str | None, typer.Option("--id", help="Read the record of that id; or which to update, delete.")
    ] = None,
    describe: Annotated[bool, typer.Option("--describe", help="Show the object's fields instead.")] = False,
    create: Annotated[Path | None, typer.Option(help="Create the record in this JSON file.")] = None,
    update: Annotated[Path | None, typer.Option(help="Update the record of --id with this JSON file.")] = None,
    delete: Annotated[bool, typer.Option("--delete", help="Delete the record of --id.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    answers: Annotated[bool, typer.Option("--answers", help="Show the beginning of every answer, too.")] = False,
) -> None:
    """Ask a provider for something with real credentials; shows each request, each answer and what is made of it.

    Secrets are hidden. Addresses in private networks are allowed here, as you run it yourself.
    """
    configure("error", "auto")
    definition = load(place_of(provider))
    if definition is None:
        raise typer.Exit(1)
    write = _write_of(create, update, delete=delete)
    trial = Trial(
        object_name,
        tuple(name.strip() for name in fields.split(",")) if fields else ("*",),
        _moment(since),
        _moment(until),
        max(1, limit),
        tuple(_pairs(search).items()),
        id_,
        describe,
        write,
    )
    if write is not None:
        _confirm(f"{write[0]} a record of {object_name} at {definition.display}", id_, write[0], yes=yes)
    found = credentials_of(definition, _secret_text(definition, credentials))
    options = {"inputs": _pairs(given), "module": module, "base_url_override": base_url}
    if not asyncio.run(_run(definition, found, options, trial, answers=answers)):
        raise typer.Exit(1)


def credentials_of(definition: Definition, text: str) -> Credentials:
    """Credentials of the kind that the definition takes: of a mapping in YAML or JSON, or of a key or token alone."""
    import yaml

    from conjunct.connectors import ApiKey, Basic, Bearer, CustomSecrets

    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError:
        content = None
    values = {str(name): str(value) for name, value in content.items()} if isinstance(content, dict) else {}
    auth = definition.auth

    def one(*names: str) -> str:
        found = next((values[name] for name in names if name in values), None if values else text.strip())
        if not found:
            raise CommandFailed(f"{definition.display} needs {names[0]}.", f"Give it alone, or as `{names[0]}: …`.")
        return found

    if auth.type == "custom":
        return CustomSecrets(values)
    if auth.type == "oauth2":
        return Bearer(one("accessToken", "access_token", "token"))
    if auth.type == "apiKey" or auth.key_as is not None:
        return ApiKey(one("apiKey", "api_key", "key"))
    if values.keys() < {"username", "password"} or not values:
        raise CommandFailed(
            f"{definition.display} needs username and password.", "Give `username: …` and `password: …`."
        )
    return Basic(values["username"], values["password"])


def _secret_text(definition: Definition, path: Path | None) -> str:
    if path is not None:
        return sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8")
    known = os.environ.get(CREDENTIALS)
    if known is not None:
        return known
    if not sys.stdin.isatty():
        raise CommandFailed(
            "There are no credentials.",
            f"Name a file with --credentials, or set {CREDENTIALS}; never an option's value.",
        )
    auth = definition.auth
    if auth.type == "basic" and auth.key_as is None:
        names = {"username": True, "password": False}
    elif auth.type == "custom":
        names = {each.name: each.shown for each in auth.inputs}
    else:
        names = {"accessToken" if auth.type == "oauth2" else "apiKey": False}
    return json.dumps({name: typer.prompt(name, hide_input=not shown) for name, shown in names.items()})


def _write_of(create: Path | None, update: Path | None, *, delete: bool) -> tuple[str, dict[str, Any]] | None:
    chosen = [("create", create)] * (create is not None) + [("update", update)] * (update is not None)
    if len(chosen) + delete > 1:
        raise CommandFailed("One thing at a time: --create, --update or --delete.")
    if delete:
        return "delete", {}
    if not chosen:
        return None
    type_, path = chosen[0]
    try:
        record = json.loads((path or Path()).read_bytes())
    except ValueError as error:
        raise CommandFailed(f"{path} is not JSON: {error}.") from None
    if not isinstance(record, dict):
        raise CommandFailed(f"{path} is not a JSON object of values by field names.")
    return type_, record


def _confirm(what: str, id_: str | None, type_: str, *, yes: bool) -> None:
    if type_ != "create" and id_ is None:
        raise CommandFailed(f"Which record to {type_}?", "Name it with --id.")
    if yes:
        return
    if not sys.stdin.isatty() or not typer.confirm(f"Really {what}?"):
        raise CommandFailed("Nothing was written.", "Say --yes to write to the account.")


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandFailed(f"'{text}' is not a time.", "Write it as 2026-01-31T12:00:00Z.") from None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _pairs(given: list[str] | None) -> dict[str, str]:
    for each in given or ():
        if "=" not in each:
            raise CommandFailed(f"'{each}' is not written as name=value.")
    return {name.strip(): value for name, _, value in (each.partition("=") for each in given or ())}


async def _run(
    definition: Definition, credentials: Credentials, options: dict[str, Any], trial: Trial, *, answers: bool
) -> bool:
    from ipaddress import ip_network

    from conjunct import __version__
    from conjunct.connectors import Connector, EgressTransport, ProviderError, WriteInterrupted
    from conjunct.core.egress import Egress, EgressPolicy

    policy = EgressPolicy(allowed_networks=(ip_network("0.0.0.0/0"), ip_network("::/0")))
    async with Egress(policy=policy, user_agent=f"conjunct/{__version__}") as egress:
        transport = ShownTransport(EgressTransport(egress), credentials.secrets, answers=answers)
        connector = Connector(definition, transport=transport, credentials=credentials, **options)
        try:
            return await _ask(connector, trial)
        except WriteInterrupted as interrupted:
            error = interrupted.cause
        except ProviderError as failed:
            error = failed
        _tell(error)
        return False


async def _ask(connector: Connector, trial: Trial) -> bool:
    from conjunct.connectors import SearchQuery

    if trial.write is not None:
        return await _write(connector, trial, *trial.write)
    if trial.describe:
        schema = await connector.describe(trial.object)
        for each in schema.fields.values():
            print(_line({key: value for key, value in each.to_wire().items() if key != "displayName"}))
        print(f"{len(schema.fields)} fields.")
    elif trial.id is not None:
        _show(await connector.get_by_ids(trial.object, [trial.id], trial.fields))
    elif trial.search:
        page = await connector.search(SearchQuery(trial.object, trial.fields, trial.search))
        _show(page.records[: trial.limit])
        print(f"{len(page.records)} records found.")
    else:
        await _read(connector, trial)
    return True


async def _read(connector: Connector, trial: Trial) -> None:
    from conjunct.connectors import ReadQuery

    size = min(trial.limit, 100)
    query = ReadQuery(trial.object, trial.fields, since=trial.since, until=trial.until, page_size=size)
    shown, number = 0, 0
    async for page in connector.pages(query):
        number += 1
        records = page.records[: trial.limit - shown]
        _show(records)
        shown += len(records)
        for failed in page.failed:
            print(f"entry {failed.index} is not a record: {failed.reason}")
        left_out = f", {page.filtered} left out for their time" if page.filtered else ""
        more = "there is a next page" if page.next else "that was the last page"
        print(f"page {number}: {len(page.records)} records{left_out}; {more}.")
        if shown >= trial.limit:
            return


async def _write(connector: Connector, trial: Trial, type_: Any, record: dict[str, Any]) -> bool:
    from conjunct.connectors import WriteEntry, WriteQuery

    (written,) = await connector.write(WriteQuery(trial.object, type_, (WriteEntry(record, id=trial.id),)))
    print(_line({"state": written.state, "id": written.id, "record": written.record}))
    for fault in written.faults:
        print(f"{fault.kind.value}: {fault.message}" + (f" ({fault.code})" if fault.code else ""))
    return written.success


def _show(records: list[Record]) -> None:
    for record in records:
        print(_line({"id": record.id, "fields": record.fields}))


def _tell(error: ProviderError) -> None:
    kind = error.kind.value
    print(f"{kind}: {error}" + (f" [code {error.code}]" if error.code else ""), file=sys.stderr)
    usual = (
        "A run tries it again, later and later."
        if error.retryable
        else "A run ends with it; what it needs is a change of the credentials, the configuration or the definition."
    )
    print(f"  {MEANINGS.get(kind, usual)}", file=sys.stderr)
    if error.status is not None:
        print("  Another class for it is said with `errors.rules` in the definition.", file=sys.stderr)


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


@dataclass(slots=True)
class ShownTransport:
    """A transport that prints what passes through it, without the secrets."""

    inner: Transport
    secrets: tuple[str, ...] = field(repr=False)
    answers: bool = False

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None,
        timeout: float,  # noqa: ASYNC109 - handed on
        max_bytes: int,
    ) -> Response:
        """As `Transport.request`."""
        print(self._hidden(f"{method} {url}"))
        if body:
            print(f"  {self._text(body)}")
        begin = time.perf_counter()
        answer = await self.inner.request(method, url, headers=headers, body=body, timeout=timeout, max_bytes=max_bytes)
        elapsed = (time.perf_counter() - begin) * 1000
        print(f"  -> {answer.status} in {elapsed:.0f} ms, {len(answer.body)} bytes")
        if self.answers and answer.body:
            print(f"  {self._text(answer.body)}")
        return answer

    def _text(self, body: bytes) -> str:
        shown = self._hidden(body[: SHOWN * 2].decode(errors="replace"))[:SHOWN]
        return shown if len(body) <= SHOWN else f"{shown} …"

    def _hidden(self, text: str) -> str:
        from conjunct.connectors.redaction import redacted

        return redacted(text, self.secrets)
