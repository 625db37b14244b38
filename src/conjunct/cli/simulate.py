"""`simulate`: a provider's API on this machine, to build and test against."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from conjunct.simulators import SimulatorOptions


def simulate(
    provider: Annotated[str, typer.Argument(help="Which provider, such as `hubspot`.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 0,
    records: Annotated[int, typer.Option(help="How many records of the main object to make.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed that the records are made from.")] = 1,
    latency: Annotated[float, typer.Option(help="Seconds that every answer takes longer.")] = 0.0,
    fail: Annotated[
        list[str] | None, typer.Option(help="A fault, such as `500:0.01` or `429@page=5`; may be given again.")
    ] = None,
    rate_limit: Annotated[int | None, typer.Option(help="Requests allowed in 10 seconds.")] = None,
    search_limit: Annotated[int | None, typer.Option(help="Searches allowed in a second, where it tells.")] = None,
    token_lifetime: Annotated[int, typer.Option(help="Seconds that an access token lives.")] = 1800,
    lifeline: Annotated[int | None, typer.Option("--lifeline", hidden=True)] = None,
) -> None:
    """Simulate a provider offline."""
    import uvloop

    from conjunct.simulators import SimulatorOptions

    options = SimulatorOptions(
        records=records,
        seed=seed,
        latency=latency,
        fail=tuple(fail or ()),
        rate_limit=rate_limit,
        search_limit=search_limit,
        token_lifetime=token_lifetime,
    )
    uvloop.run(_simulate(provider, host, port, options, lifeline))


async def _simulate(provider: str, host: str, port: int, options: SimulatorOptions, lifeline: int | None) -> None:
    from conjunct.app.processes import watch_lifeline
    from conjunct.simulators import run

    loop = asyncio.get_running_loop()
    task = asyncio.create_task(
        run(provider, host, port, options, on_ready=lambda url: print(f"{provider} simulator at {url}", flush=True))
    )
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    if lifeline is not None:
        watch_lifeline(lifeline, task.cancel)
    try:
        await task
    except asyncio.CancelledError:
        return
