"""A Salesforce simulator for all tests of a module, and `simple-salesforce` signed in to it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

from conjunct.simulators import Running, SimulatorOptions, serve
from tests.simulators.conftest import Clock


class Loopback(HTTPAdapter):
    """Carries what is meant for any host of Salesforce's to the simulator, which has neither a name nor TLS."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._to = urlsplit(url)

    def send(self, request, *args, **kwargs):
        parts = urlsplit(request.url)
        request.url = urlunsplit((self._to.scheme, self._to.netloc, parts.path, parts.query, ""))
        return super().send(request, *args, **kwargs)


class Org:
    """A served simulator. `session` is what the vendor's client sends its requests by."""

    def __init__(self, running: Running, clock: Clock) -> None:
        self.running = running
        self.clock = clock
        self.session = requests.Session()
        self.session.mount("https://", Loopback(running.url))

    def client(self, **credentials: Any) -> Salesforce:
        """A client that signs in, or has an access token already."""
        if not credentials:
            credentials = {"session_id": "any-token", "instance_url": "https://example.my.salesforce.com"}
        return Salesforce(version="60.0", session=self.session, **credentials)

    def control(self, path: str, **body: Any) -> Any:
        answer = requests.post(f"{self.running.url}/_sim/{path}", json=body, timeout=30)
        return answer.json() if answer.content else None


@contextmanager
def serving(**options: Any) -> Iterator[Org]:
    """Serve a simulator in a thread of its own, because the vendor's client waits for each answer."""
    clock = Clock()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = serve("salesforce", SimulatorOptions(**{"records": 4500, "seed": 7, "clock": clock, **options}))
    running = asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(30)
    org = Org(running, clock)
    try:
        yield org
    finally:
        org.session.close()
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def shared_org() -> Iterator[Org]:
    with serving() as served:
        yield served


@pytest.fixture
def org(shared_org: Org) -> Org:
    """An org as at its start."""
    shared_org.control("reset")
    shared_org.clock.moment = Clock().moment
    return shared_org


@pytest.fixture
def sf(org: Org) -> Salesforce:
    return org.client()
