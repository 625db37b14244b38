"""`up`, `api`, `worker` and `migrate`: Conjunct's own processes."""

from __future__ import annotations

import asyncio
import gc
import signal
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from conjunct.cli.output import CommandFailed
from conjunct.core.settings import Settings, load_settings
from conjunct.core.telemetry import configure

if TYPE_CHECKING:
    from conjunct.app.up import Up

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
    from conjunct.app.up import Simulated, Up, UpOptions

    settings = _settings(host=host, port=port, data_dir=data_dir)
    providers = [name.strip() for name in (simulate or "").split(",") if name.strip()]
    options = UpOptions(simulate=tuple(Simulated(name, records=1000, seed=1) for name in providers))
    with suppress(asyncio.CancelledError):  # asked to stop before it was ready
        asyncio.run(_up(Up(settings, options)))


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
    settings = _settings(host=host, port=port, data_dir=data_dir)
    _require_database(settings)
    with _importing_much():
        from conjunct.app.server import ServerOptions, run_api

    _run(run_api(settings, ServerOptions(fd=fd, url=url, first_start=first_start), lifeline=lifeline))


def worker(
    data_dir: DataDir = None,
    await_schema: Annotated[
        bool, typer.Option(help="Wait for the migrations instead of failing without them.")
    ] = False,
    lifeline: LifelineFd = None,
) -> None:
    """Run a worker against DATABASE_URL; any number of these may run."""
    settings = _settings(data_dir=data_dir)
    _require_database(settings)
    with _importing_much():
        from conjunct.app.worker import run_worker

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


async def _up(platform: Up) -> None:
    stop = asyncio.Event()
    main = asyncio.current_task()

    def on_signal() -> None:
        stop.set()
        if not ready and main is not None:
            main.cancel()

    ready = False
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)
    async with platform as running:
        ready = True
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


@contextmanager
def _importing_much() -> Iterator[None]:
    """Import with the garbage collector off: an eighth faster, and what is imported is never looked through again."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        gc.freeze()


def _run(work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    uvloop.run(work)
