"""Everything in one command: the database, the API, a worker and simulators, watched by this process.

This process imports neither the web framework nor the database toolkit, so that it stays small; what it starts does.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import structlog
import yaml

from conjunct.app.embedded import EmbeddedPostgres
from conjunct.app.listening import listen, url_of
from conjunct.app.processes import Child, Command, Lifeline
from conjunct.core.settings import Settings

READY_SECONDS = 60.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Simulated:
    """A simulator to run beside: which, with how many records, and the seed they are made from."""

    provider: str
    records: int
    seed: int


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What `up` runs besides the API and the worker."""

    simulate: tuple[Simulated, ...] = ()


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform. `simulators` are base URLs by provider."""

    url: str
    data_dir: Path
    simulators: dict[str, str]
    children: dict[str, Child]


_Start = Callable[[Command], Awaitable[None]]


class Up:
    """Runs the platform for the length of an `async with` block.

    >>> async with Up(settings, UpOptions()) as platform:
    ...     print(platform.url)
    """

    def __init__(self, settings: Settings, options: UpOptions) -> None:
        self._settings = settings
        self._options = options
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Platform:
        async with AsyncExitStack() as stack:
            platform = await self._start(stack)
            self._stack = stack.pop_all()
        return platform

    async def __aexit__(self, *_exc: object) -> None:
        await self._stack.aclose()

    async def _start(self, stack: AsyncExitStack) -> Platform:
        settings = self._settings
        data_dir = settings.data_dir.absolute()
        data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_what_no_process_could_use()
        listener = listen(settings.host, settings.port)
        stack.callback(listener.close)
        url = url_of(listener)
        environment = {**settings.environment(), "CONJUNCT_DATA_DIR": str(data_dir)}
        if settings.public_url is None:
            environment["CONJUNCT_PUBLIC_URL"] = url
        if settings.database_url is None:
            server = await stack.enter_async_context(EmbeddedPostgres(data_dir))
            environment["DATABASE_URL"] = server.url
        lifeline = Lifeline()
        stack.callback(lifeline.close)
        children: dict[str, Child] = {}

        async def start(command: Command) -> None:
            child = await Child(command, lifeline).start()
            stack.push_async_callback(child.stop)
            children[command.name] = child

        simulators = await self._simulate(start, environment, data_dir)
        api = ["api", "--fd", str(listener.fileno()), "--url", url, "--first-start"]
        await start(Command("worker", ["worker", "--await-schema"], {**environment, **self._metrics_port(1)}))
        await start(Command("api", api, {**environment, **self._metrics_port(0)}, (listener.fileno(),)))
        await _until_ready(url)
        return Platform(url, data_dir, simulators, children)

    def _metrics_port(self, place: int) -> dict[str, str]:
        """The metrics' port of each process: the one that is set, and those that follow."""
        port = self._settings.metrics_port
        return {"CONJUNCT_METRICS_PORT": str(port + place)} if port else {}

    def _refuse_what_no_process_could_use(self) -> None:
        """Tell now what would otherwise end every child process again and again."""
        self._settings.load_master_keys()
        self._settings.load_provider_overrides()
        if self._settings.metrics_port:
            for place in range(2):
                port = self._settings.metrics_port + place
                listen(self._settings.metrics_host, port, setting="CONJUNCT_METRICS_PORT").close()
        if self._settings.providers_dir is not None:
            from conjunct.providers import open_catalog  # noqa: PLC0415 - brings the web framework along

            open_catalog(self._settings.providers_dir)
        if self._options.simulate:
            from conjunct.simulators import require  # noqa: PLC0415 - brings a web server along

            for simulated in self._options.simulate:
                require(simulated.provider)

    async def _simulate(self, start: _Start, environment: dict[str, str], data_dir: Path) -> dict[str, str]:
        if not self._options.simulate:
            return {}
        urls = {}
        for simulated in self._options.simulate:
            port = _free_port()
            urls[simulated.provider] = f"http://127.0.0.1:{port}"
            arguments = ["simulate", simulated.provider, "--port", str(port)]
            arguments += ["--records", str(simulated.records), "--seed", str(simulated.seed)]
            await start(Command(f"{simulated.provider} simulator", arguments, environment))
        overrides = {**self._settings.load_provider_overrides(), **urls}
        path = data_dir / "provider-overrides.yaml"
        path.write_text(yaml.safe_dump(overrides))
        environment["CONJUNCT_PROVIDER_OVERRIDES"] = str(path)
        return urls


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class NotReady(Exception):
    """The platform did not get ready; the message says what was missing."""


async def _until_ready(url: str) -> None:
    deadline = time.monotonic() + READY_SECONDS
    said = "the API does not answer"
    while time.monotonic() < deadline:
        ready, said = await asyncio.to_thread(_ask, f"{url}/readyz")
        if ready:
            return
        await asyncio.sleep(0.02)
    raise NotReady(f"After {READY_SECONDS:.0f} s it is not ready: {said}")


def _ask(url: str) -> tuple[bool, str]:
    try:
        with urlopen(url, timeout=5) as response:  # noqa: S310 - our own address
            return response.status == 200, "ready"
    except HTTPError as error:
        return False, error.read().decode(errors="replace")
    except (URLError, OSError) as error:
        return False, str(error)
