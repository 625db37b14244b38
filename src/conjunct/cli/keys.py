"""`keys`: rotate the keys that secrets are encrypted with, while everything runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from conjunct.cli.output import CommandFailed
from conjunct.cli.reaching import reached_database
from conjunct.core.settings import Settings, SettingsError, load_settings
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.app.key_administration import KeyAdministration, Standing
    from conjunct.core.master_keys import MasterKeys
    from conjunct.tenants.key_rotation import KeyStatus, Rotation

RETIRED_AFTER = timedelta(hours=1)
POLL_SECONDS = 0.5
SAID_EVERY_SECONDS = 5.0

Answer = TypeVar("Answer")
DataDir = Annotated[Path | None, typer.Option(help="Folder of `conjunct up`.", show_default=".conjunct")]
DataKeys = Annotated[
    bool,
    typer.Option("--data-keys", help="The projects' data keys, and all that they seal, instead of the master key."),
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for the job's end, and say how far it is.")]

app = typer.Typer(help="Rotate the keys of what is encrypted.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def status(data_dir: DataDir = None) -> None:
    """Show the master keys, what each has sealed, and how rotations stand; never a key."""
    settings = _settings(data_dir)
    keyring = _load(settings).keyring
    found = _run(settings, lambda keys: keys.status())
    for key_id in dict.fromkeys((*keyring.ids, *sorted(found.uses))):
        print(f"master key {key_id}: {_role(key_id, keyring.ids, keyring.current, found)}")
        for column, uses in sorted(found.uses.get(key_id, {}).items()):
            print(f"  {column}: {uses}")
    print(f"data keys: {found.data_keys}, of {found.projects} projects")
    for column, uses in sorted(found.old.items()):
        if uses:
            print(f"  {column}: {uses} sealed with an older key than their project's current one")
    for rotation in found.rotations:
        print(_line(rotation))


@app.command()
def rotate(data_keys: DataKeys = False, wait: Wait = False, data_dir: DataDir = None) -> None:
    """Make a new master key, used at once by all processes, and have a worker seal with it what the old one sealed."""
    from conjunct.core.master_keys import KeyFileBusy, add_key, next_id

    settings = _settings(data_dir)
    if data_keys:
        _start(settings, lambda keys: keys.rotate_data_keys(), wait=wait)
        return
    _run(settings, lambda keys: keys.check_master_key())
    if settings.master_key is not None:
        keyring = _load(settings).keyring
        _print_steps(next_id(keyring.ids), keyring.current)
        return
    path = settings.master_key_file
    try:
        key_id = add_key(path)
    except KeyFileBusy:
        raise CommandFailed(
            f"Another `conjunct keys` command is changing {path}.", "Try again when it has ended."
        ) from None
    except (OSError, ValueError) as error:
        raise CommandFailed(
            f"{path} cannot be changed: {error}",
            "Run this as the user who owns the file. If it is mounted from elsewhere, add a line "
            "`<id>:<base64 of 32 bytes>` there, then run `conjunct keys rewrap`.",
        ) from None
    print(f"The master key {key_id} encrypts from now on. Back up {path}.")
    _start(settings, lambda keys: keys.rewrap(), wait=wait)


@app.command()
def rewrap(data_keys: DataKeys = False, wait: Wait = False, data_dir: DataDir = None) -> None:
    """Have a worker seal anew, with the present keys, whatever older ones have sealed; makes no key."""
    settings = _settings(data_dir)
    _run(settings, lambda keys: keys.check_master_key())
    _start(settings, lambda keys: keys.reseal() if data_keys else keys.rewrap(), wait=wait)


@app.command()
def retire(
    key_id: Annotated[str, typer.Argument(help="The old master key's id, as `conjunct keys status` shows it.")],
    now: Annotated[bool, typer.Option("--now", help="Even where it encrypted less than an hour ago.")] = False,
    data_dir: DataDir = None,
) -> None:
    """Take an old master key that has sealed nothing any more out of the key file."""
    from conjunct.core.master_keys import remove_key

    settings = _settings(data_dir)
    keyring = _load(settings).keyring
    if key_id not in keyring.ids:
        raise CommandFailed(
            f"There is no master key {key_id!r}.", f"There are: {', '.join(keyring.ids)} (`conjunct keys status`)."
        )
    if key_id == keyring.current:
        raise CommandFailed(f"{key_id} is the master key that encrypts.", "Run `conjunct keys rotate` first.")
    uses = _run(settings, lambda keys: keys.uses_of_master(key_id))
    if uses:
        told = ", ".join(f"{count} in {column}" for column, count in sorted(uses.items()))
        raise CommandFailed(
            f"What {key_id} has sealed could not be opened any more: {told}.",
            "Run `conjunct keys rewrap --wait` first.",
        )
    if settings.master_key is not None:
        print(f"Nothing is sealed with {key_id}. Take its line out of CONJUNCT_MASTER_KEY on every host, and restart.")
        return
    if not now:
        _require_age(settings.master_key_file, key_id)
    try:
        remove_key(settings.master_key_file, key_id)
    except KeyError:
        raise CommandFailed(f"There is no master key {key_id!r} any more.") from None
    except (OSError, ValueError) as error:
        raise CommandFailed(f"{settings.master_key_file} cannot be changed: {error}") from None
    print(f"The master key {key_id} is gone. Backups of the database from before the rotation need it still.")


def _settings(data_dir: Path | None) -> Settings:
    settings = load_settings(data_dir=data_dir)
    configure("warning", settings.log_format)
    return settings


def _load(settings: Settings) -> MasterKeys:
    if settings.master_key is None and not settings.master_key_file.exists():
        raise SettingsError(
            f"CONJUNCT_MASTER_KEY is not set, and there is no {settings.master_key_file}; "
            "set it, or --data-dir, to what the servers have"
        )
    return settings.load_master_keys()


def _run(settings: Settings, work: Callable[[KeyAdministration], Awaitable[Answer]]) -> Answer:
    from conjunct.app.key_administration import KeyAdministration
    from conjunct.core.encryption import DecryptionFailed

    master = _load(settings)

    async def run() -> Answer:
        async with reached_database(settings) as database:
            return await work(KeyAdministration(database, master))

    try:
        return asyncio.run(run())
    except DecryptionFailed:
        raise CommandFailed(
            "The master key here is not the one that this database's projects are encrypted with.",
            "Set CONJUNCT_MASTER_KEY, or --data-dir, to what the servers have.",
        ) from None


def _start(settings: Settings, start: Callable[[KeyAdministration], Awaitable[str]], *, wait: bool) -> None:
    """Start a rotation, say how it stands, and follow it to its end where that is wanted."""

    async def work(keys: KeyAdministration) -> None:
        rotation_id = await start(keys)
        standing = await keys.standing(rotation_id)
        while standing is not None:
            print(_line(standing.rotation), flush=True)
            if not standing.worker:
                print(
                    "  No worker runs: the job begins when one does (`conjunct up` or `conjunct worker`).", flush=True
                )
            if not wait or standing.rotation.phase == "done":
                return
            standing = await _changed(keys, standing)

    _run(settings, work)


async def _changed(keys: KeyAdministration, before: Standing) -> Standing | None:
    """How the rotation stands when it has come to another phase, or has gone on for some seconds."""
    deadline = time.monotonic() + SAID_EVERY_SECONDS
    while True:
        await asyncio.sleep(POLL_SECONDS)
        now = await keys.standing(before.rotation.id)
        if now is None or now.rotation.phase != before.rotation.phase or now.worker != before.worker:
            return now
        if now != before and time.monotonic() > deadline:
            return now


def _line(rotation: Rotation) -> str:
    what = f"to {rotation.target}" if rotation.kind == "master" else "of data keys"
    parts = [f"{rotation.sealed} values sealed anew"]
    if rotation.made:
        parts.insert(0, f"{rotation.made} keys made")
    if rotation.phase == "waiting" and rotation.seal_at is not None:
        parts.append(f"goes on at {rotation.seal_at.astimezone(UTC):%H:%M:%S} UTC, when all processes use the new keys")
    if rotation.position:
        parts.append(f"now in {rotation.position['column']}")
    if rotation.failed:
        parts.append(f"{rotation.failed} do not open and stay as they are")
    if rotation.note:
        parts.append(rotation.note)
    state = "done" if rotation.phase == "done" else f"running ({rotation.phase})"
    return f"rotation {what}, {rotation.create_time.astimezone(UTC):%Y-%m-%d %H:%M} UTC: {state}; {'; '.join(parts)}"


def _role(key_id: str, known: tuple[str, ...], current: str, found: KeyStatus) -> str:
    if key_id == current:
        return "encrypts"
    if key_id not in known:
        return "not here, so that what it has sealed does not open"
    if found.uses_of(key_id):
        return "opens what it has sealed; `conjunct keys rewrap` seals that with the current one"
    return f"has sealed nothing any more; `conjunct keys retire {key_id}` takes it away"


def _require_age(path: Path, key_id: str) -> None:
    """Refuse to retire a key soon after a rotation: requests in flight and links given out go by it still."""
    until = datetime.fromtimestamp(path.stat().st_mtime, UTC) + RETIRED_AFTER
    if datetime.now(UTC) < until:
        raise CommandFailed(
            f"{key_id} may have signed upload links and page tokens that are in use: "
            f"{path} was changed within the hour.",
            f"Try again after {until:%H:%M} UTC, or retire it at once with --now.",
        )


def _print_steps(key_id: str, current: str) -> None:
    print(
        "The master keys are in CONJUNCT_MASTER_KEY, which only you can change. In this order:\n"
        f"1. On every host, add a line `{key_id}:<base64 of 32 bytes>` ABOVE the last line, {current}'s, and restart\n"
        "   the processes one after another. `openssl rand -base64 32` makes such a key.\n"
        "2. When all of them know it, move that line to the end on every host, and restart again: "
        f"now {key_id} encrypts.\n"
        "3. Run `conjunct keys rewrap --wait` with the same CONJUNCT_MASTER_KEY.\n"
        f"4. When `conjunct keys status` says that {current} has sealed nothing any more, remove its line."
    )
