"""`demo`: the main job end to end, with nothing but this machine."""

from __future__ import annotations

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from conjunct.cli.output import CommandFailed
from conjunct.core.settings import Settings, load_settings
from conjunct.core.telemetry import configure


def demo(
    once: Annotated[bool, typer.Option("--once", help="Stop at the end; leave nothing running.")] = False,
    port: Annotated[int, typer.Option(help="Port of the API; 0 takes a free one.")] = 0,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show the processes' logs.")] = False,
) -> None:
    """Run the main job: a simulated HubSpot is read into a webhook on this machine."""
    from conjunct.app.demo import DemoFailed, run_demo

    async def run(folder: Path) -> None:
        task = asyncio.ensure_future(run_demo(_settings(folder, port, verbose), _say, leave_running=not once))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        await task

    with tempfile.TemporaryDirectory(prefix="conjunct-demo-") as folder:
        try:
            asyncio.run(run(Path(folder)))
        except DemoFailed as error:
            raise CommandFailed(f"The demo failed. {error}", "Run it with --verbose to see the logs.") from None
        except asyncio.CancelledError:
            raise typer.Exit(130) from None


def _settings(folder: Path, port: int, verbose: bool) -> Settings:
    """Settings that touch nothing but the demo's folder, whatever the environment says."""
    settings = load_settings(
        data_dir=folder, port=port, allowed_networks="127.0.0.0/8", log_level="info" if verbose else "error"
    )
    configure(settings.log_level, settings.log_format)
    return settings.model_copy(update={"database_url": None, "provider_overrides": None, "public_url": None})


def _say(text: str) -> None:
    print(text, flush=True)
