"""Samples of providers, replayed over HTTP."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conjunct.connectors import Definition
from conjunct.providers.samples import Script, Sent, ask
from tests.connectors.scripted import Received, Reply, ScriptedProvider


async def replay(provider: ScriptedProvider, definition: Definition, sample: dict[str, Any]) -> None:
    """Ask what the sample asks; what goes over the wire and what comes of it is as it says."""
    script = Script(sample, provider.url)

    def answer(received: Received) -> Reply:
        sent = Sent(received.method, received.path, received.query, received.headers, received.body)
        status, headers, body = script.answer(sent)
        return Reply(body, status, headers)

    provider.answer = answer
    try:
        told, expected = await ask(provider.connector(definition), sample)
    finally:
        if script.faults:
            pytest.fail("\n".join(script.faults))
    assert told == expected, json.dumps(told)
