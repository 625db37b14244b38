"""`provider`: a provider of one's own, made, checked and tried out."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from conjunct.cli import provider_trying
from conjunct.cli.output import CommandFailed
from conjunct.cli.provider_places import BESIDE, load, own_folders, place_of
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.connectors import Definition, ObjectSupport

app = typer.Typer(help="Make, check and try a provider of one's own.", no_args_is_help=True, rich_markup_mode=None)
app.command("try")(provider_trying.try_)

COLUMNS: dict[str, Callable[[ObjectSupport], bool | str]] = {
    "read": lambda can: can.read,
    "incremental": lambda can: can.incremental and ("yes" if can.pushed else "ours"),
    "filter": lambda can: can.filter,
    "search": lambda can: can.search,
    "count": lambda can: can.count,
    "by id": lambda can: can.by_ids,
    "deleted": lambda can: can.deleted,
    "associations": lambda can: bool(can.associations),
    "describe": lambda can: can.describe,
    "create": lambda can: can.create,
    "update": lambda can: can.update,
    "upsert": lambda can: can.upsert,
    "delete": lambda can: can.delete,
    "batch": lambda can: "/".join(map(str, sorted(set(can.batch.values())))),
}


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="The provider's name: letters, digits, `-` and `_`.")],
    base_url: Annotated[str | None, typer.Option(help="Where its API is, such as `https://api.acme.com/v1`.")] = None,
    auth: Annotated[
        Literal["apiKey", "basic", "oauth2"] | None, typer.Option(help="How requests are authenticated.")
    ] = None,
    from_openapi: Annotated[
        Path | None, typer.Option(help="An OpenAPI 3 document (YAML or JSON) to take address, auth and objects from.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Folder of your own providers.")] = BESIDE,
) -> None:
    """Write the folder of a new provider, with a commented definition that is good as it stands."""
    from conjunct.providers.openapi import wanted_from
    from conjunct.providers.scaffold import Wanted, scaffold

    place = folder / name
    if place.exists():
        raise CommandFailed(f"{place} is there already.", "Choose another name, or edit what is there.")
    wanted = Wanted(name) if from_openapi is None else wanted_from(name, _document(from_openapi))
    files = scaffold(wanted.with_choices(base_url=base_url, auth=auth))
    for path, text in files.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
        print(f"Wrote {place / path}.")
    if load(place) is None:
        raise typer.Exit(1)
    where = name if folder == BESIDE else place
    print(f"Edit it, then run `conjunct provider check {where}` and `conjunct provider try {where} OBJECT`.")


@app.command()
def check(
    provider: Annotated[str | None, typer.Argument(help="A name, or a folder; all of your own when not said.")] = None,
) -> None:
    """Check definitions, show what each supports, and replay their samples; every fault is told with its line."""
    configure("error", "auto")
    if provider is not None:
        places = [place_of(provider)]
    else:
        from conjunct.providers.watching import provider_files

        places = [file.parent for folder in own_folders() for file in provider_files(folder).values()]
    if not places:
        raise CommandFailed(
            f"There are no providers of your own in {BESIDE}, and none in CONJUNCT_PROVIDERS_DIR.",
            "Name one, or make one with `conjunct provider new NAME`.",
        )
    if not all([_check(place) for place in places]):  # noqa: C419 - each is checked, also after a faulty one
        raise typer.Exit(1)


def _check(place: Path) -> bool:
    definition = load(place)
    if definition is None:
        return False
    for line in _table(definition):
        print(line)
    faults, number = _replay(place, definition)
    for fault in faults:
        print(fault, file=sys.stderr)
    samples = f"{number} samples replayed" if number else "no samples"
    print(f"{place}: {'good' if not faults else 'not as its samples say'} ({samples}).")
    return not faults


def _table(definition: Definition) -> list[str]:
    """Which objects there are, and what can be done with each; what no object can has no column."""
    from conjunct.connectors import object_support

    rows = {name: _row(object_support(definition, name)) for name in definition.objects}
    if not rows:
        return [f"{definition.display} has no objects: requests can be sent through the proxy only."]
    shown = [column for column in COLUMNS if any(row[column] for row in rows.values())]
    first = max(len(name) for name in ("object", *rows))
    lines = ["  ".join(["object".ljust(first), *shown])]
    for name, row in rows.items():
        cells = [(row[column] or "-").ljust(len(column)) for column in shown]
        lines.append("  ".join([name.ljust(first), *cells]).rstrip())
    if any(row["incremental"] == "ours" for row in rows.values()):
        lines.append("(ours: everything is read, and what has not changed is left out here)")
    return lines


def _row(can: ObjectSupport) -> dict[str, str]:
    told = {column: of(can) for column, of in COLUMNS.items()}
    return {column: value if isinstance(value, str) else "yes" if value else "" for column, value in told.items()}


def _replay(place: Path, definition: Definition) -> tuple[list[str], int]:
    from conjunct.providers.samples import faults_of

    faults = []
    paths = sorted(place.glob("samples/*.json"))
    for path in paths:
        try:
            sample = json.loads(path.read_bytes())
        except ValueError as error:
            faults.append(f"{path}: it is not JSON: {error}")
            continue
        faults += [f"{path}: {fault}" for fault in asyncio.run(faults_of(definition, sample))]
    return faults, len(paths)


def _document(path: Path) -> object:
    import yaml

    try:
        return yaml.safe_load(path.read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{path} cannot be read: {error}.", "Give an OpenAPI document in YAML or JSON.") from None
