"""`up`, `api`, `worker` and `migrate`: Conjunct's own processes."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Annotated

import typer

from conjunct.cli.output import CommandFailed
from conjunct.core.settings import Settings, load_settings
from conjunct.core.telemetry import configure

Host = Annotated[str | None, typer.Option(help="Address to listen on.", show_default="127.0.0.1")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.", show_default="8080")]
DataDir = Annotated[Path | None, typer.Option(help="Folder for everything that is kept.", show_default=".conjunct")]
LifelineFd = Annotated[int | None, typer.Option("--lifeline", hidden=True)]


def up(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    simulate: Annotated[
        str | None, typer.Option(help="Providers to simulate beside it, comma-separated, such as `hubspot`.")
    ] = None,
) -> None:
    """Run everything in one command: database, API and worker, with nothing else installed."""
    from conjunct.app.up import Simulated, UpOptions

    settings = _settings(host=host, port=port, data_dir=data_dir)
    providers = [name.strip() for name in (simulate or "").split(",") if name.strip()]
    options = UpOptions(simulate=tuple(Simulated(name, records=1000, seed=1) for name in providers))
    asyncio.run(_up(settings, options))


def api(
    host: Host = None,
    port: Port = None,
    data_dir: DataDir = None,
    fd: Annotated[int | None, typer.Option(hidden=True)] = None,
    url: Annotated[str | None, typer.Option(hidden=True)] = None,
    first_start: Annotated[bool, typer.Option(hidden=True)] = False,
    lifeline: LifelineFd = None,
) -> None:
    """Run the API against DATABASE_URL; any number of these may run."""
    from conjunct.app.server import ServerOptions, run_api

    settings = _settings(host=host, port=port, data_dir=data_dir)
    _require_database(settings)
    _run(run_api(settings, ServerOptions(fd=fd, url=url, first_start=first_start), lifeline=lifeline))


def worker(
    data_dir: DataDir = None,
    await_schema: Annotated[
        bool, typer.Option(help="Wait for the migrations instead of failing without them.")
    ] = False,
    lifeline: LifelineFd = None,
) -> None:
    """Run a worker against DATABASE_URL; any number of these may run."""
    from conjunct.app.worker import run_worker

    settings = _settings(data_dir=data_dir)
    _require_database(settings)
    _run(run_worker(settings, await_schema=await_schema, lifeline=lifeline))


def migrate(data_dir: DataDir = None) -> None:
    """Bring DATABASE_URL's schema to this version's, and make the first project where there is none."""
    from conjunct.app.first_start import prepare_database

    settings = _settings(data_dir=data_dir)
    _require_database(settings)
    made = asyncio.run(prepare_database(settings, url=None))
    print("The schema is up to date.")
    if made is not None:
        print(f"Made the project 'default'; its API key is in {made}.")


async def _up(settings: Settings, options: object) -> None:
    from conjunct.app.up import Up, UpOptions

    assert isinstance(options, UpOptions)  # noqa: S101 - typed loosely to import late
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    starting = asyncio.create_task(_run_until(Up(settings, options), stop))
    await starting


async def _run_until(platform: object, stop: asyncio.Event) -> None:
    from conjunct.app.up import Up

    assert isinstance(platform, Up)  # noqa: S101 - as above
    async with platform as running:
        print(f"Conjunct is ready at {running.url}")
        print(f"  project and API key: {running.data_dir / 'bootstrap.json'}")
        for provider, url in running.simulators.items():
            print(f"  {provider} simulator: {url}")
        print("Press Ctrl-C to stop.", flush=True)
        await stop.wait()
        print("Stopping.", flush=True)


def _settings(**given: object) -> Settings:
    settings = load_settings(**given)
    configure(settings.log_level, settings.log_format)
    return settings


def _require_database(settings: Settings) -> None:
    if settings.database_url is None:
        raise CommandFailed(
            "DATABASE_URL is not set.",
            "Set it to a PostgreSQL 15 or newer, such as postgresql://user:password@host:5432/name, or run "
            "`conjunct up`, which brings its own.",
        )


def _run(work: object) -> None:
    import uvloop

    uvloop.run(work)  # type: ignore[arg-type]
