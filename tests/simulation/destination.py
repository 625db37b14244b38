"""A destination on no network: every post to it stops at a gate, and the machine says what became of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_network
from typing import Any

from conjunct.core.egress import Egress, EgressError, EgressPolicy
from tests.simulation.stepping import FAIL, UNKNOWN, Stepper

URL = "http://127.0.0.1:9/hook"
MODES = ("up", "up", "down", "busy", "gone")


@dataclass
class _Answer:
    status: int
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def content(self) -> _Answer:
        """The answer's body, which is empty."""
        return self

    async def iter_any(self) -> AsyncIterator[bytes]:
        """Its bytes."""
        yield b""


_ANSWERS = {
    "up": _Answer(204),
    "down": _Answer(503),
    "busy": _Answer(429, {"Retry-After": "900"}),
    "gone": _Answer(410),
}


class SimulatedDestination(Egress):
    """All that there is outside. `taken` holds the bytes of what was accepted, by ids, in the order of arrival."""

    def __init__(self, steps: Stepper) -> None:
        super().__init__(policy=EgressPolicy((ip_network("127.0.0.0/8"),)), user_agent="simulated")
        self.mode = "up"
        self.taken: dict[str, bytes] = {}
        self._steps = steps

    @asynccontextmanager
    async def stream(self, _method: str, _url: str, **options: Any) -> AsyncIterator[Any]:  # type: ignore[override]
        """Take a message, or not, as the gate and the mode say."""
        id_, body = options["headers"]["svix-id"], options["body"]
        fate = await self._steps.pause("send", id_)
        if fate == FAIL:
            raise EgressError("connect", "simulated: nobody listens", sent=False)
        if self.mode == "up":
            assert json.loads(body) == {"id": id_}, f"{id_} has the body of another"
            assert self.taken.setdefault(id_, body) == body, f"{id_} has come with other bytes"
        if fate == UNKNOWN:
            raise EgressError("timeout", "simulated: no answer in time", sent=True)
        yield _ANSWERS[self.mode]
