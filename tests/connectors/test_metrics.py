"""What is counted of requests to a provider: answers, errors by kind, waits and pauses."""

from __future__ import annotations

import asyncio

import pytest

from conjunct.connectors import ReadQuery
from conjunct.connectors.errors import HeldBack, ProviderError
from tests.support.counting import counting

from .scripted import Reply, ScriptedProvider, definition

READ = """
    request: {path: /things}
    records: found
"""


class Slow:
    """A limiter that lets each request wait a little, until it holds back."""

    holds = False

    async def take(self, bucket: str | None, *, patience: float) -> None:  # noqa: ARG002
        if self.holds:
            raise HeldBack("later", retry_after=3)
        await asyncio.sleep(0.01)

    async def pause(self, seconds: float) -> None: ...


async def test_requests_are_counted_by_their_answers_and_errors(provider: ScriptedProvider) -> None:
    connector = provider.connector(definition(read=READ), limiter=(limiter := Slow()))
    provider.answers(
        {"found": []},
        Reply({}, status=429, headers={"Retry-After": "8"}),
        Reply({}, status=500),
        Reply({}, status=403),
        Reply(b"no JSON"),
    )
    with counting() as value:
        await connector.read_page(ReadQuery("things"))
        for _ in range(4):
            with pytest.raises(ProviderError):
                await connector.read_page(ReadQuery("things"))
        limiter.holds = True
        with pytest.raises(HeldBack):
            await connector.read_page(ReadQuery("things"))
        name = connector.definition.name
        known = [
            ("2xx", "none"),
            ("4xx", "rate_limited"),
            ("5xx", "server"),
            ("4xx", "forbidden"),
            ("2xx", "malformed"),
        ]
        for status, error in known:
            assert value("provider_requests_total", provider=name, status=status, error=error) == 1, error
        assert value("provider_request_seconds_count", provider=name) == 5
        assert value("provider_wait_seconds_total", provider=name) >= 0.05
        assert value("provider_requests_held_back_total", provider=name) == 1
        assert value("provider_pauses_total", provider=name) == 1


async def test_one_that_does_not_answer_has_no_status(provider: ScriptedProvider) -> None:
    provider.url = "http://127.0.0.1:9"
    connector = provider.connector(definition(read=READ))
    with counting() as value:
        with pytest.raises(ProviderError):
            await connector.read_page(ReadQuery("things"))
        labels = {"provider": connector.definition.name, "status": "none", "error": "unreachable"}
        assert value("provider_requests_total", **labels) == 1
