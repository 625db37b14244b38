"""The control API under `/_sim/`: look into a running simulator, change its records, make it fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import orjson

from conjunct.simulators.contract import Answer, Call, Handler, Route, Simulator
from conjunct.simulators.errors import InvalidOption, UnknownObject
from conjunct.simulators.faults import FaultPlan
from conjunct.simulators.journal import Journal

_DEFAULT_LAST = 100
_MAX_DIGITS = 9


class _BadRequest(Exception):
    """The control API was called wrongly; the message says how to call it."""


class Control:
    """Answers the control routes. They are neither counted nor delayed nor made to fail."""

    def __init__(self, simulator: Simulator, faults: FaultPlan, journal: Journal) -> None:
        self._simulator = simulator
        self._faults = faults
        self._journal = journal

    def routes(self) -> Sequence[Route]:
        """The routes of the control API."""
        routes = (
            Route("GET", "/_sim/stats", self._stats),
            Route("GET", "/_sim/requests", self._requests),
            Route("POST", "/_sim/records/{object}", self._touch),
            Route("POST", "/_sim/fail", self._fail),
            Route("POST", "/_sim/reset", self._reset),
            Route("*", "/_sim/{path:.*}", self._unknown),
        )
        return [replace(route, handler=_refusing(route.handler)) for route in routes]

    def _stats(self, _call: Call) -> Answer:
        return _json({**self._journal.stats(), "faults": dict(sorted(self._faults.counts.items()))})

    def _requests(self, call: Call) -> Answer:
        last = call.query.get("last", str(_DEFAULT_LAST))
        if not last.isdecimal() or len(last) > _MAX_DIGITS:
            raise _BadRequest("last must be a whole number.")
        return _json({"requests": [entry.to_wire() for entry in self._journal.last(int(last))]})

    def _touch(self, call: Call) -> Answer:
        count = _object(call.body).get("count", 1)
        if not isinstance(count, int) or isinstance(count, bool) or count < 0:
            raise _BadRequest("count must be a whole number, not negative.")
        return _json({"ids": self._simulator.touch(call.params["object"], count)})

    def _fail(self, call: Call) -> Answer:
        rules = _object(call.body).get("rules", [])
        if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
            raise _BadRequest('rules must be a list of texts, such as {"rules": ["500:0.01"]}.')
        self._faults.set(rules)
        return _json({"rules": list(self._faults.texts)})

    def _reset(self, _call: Call) -> Answer:
        self._simulator.reset()
        self._faults.reset()
        self._journal.reset()
        return Answer(status=204)

    def _unknown(self, call: Call) -> Answer:
        return _refusal(404, f"The control API has no {call.method} {call.path}.")


def _refusing(handler: Handler) -> Handler:
    def handle(call: Call) -> Answer:
        try:
            return handler(call)
        except UnknownObject as fault:
            return _refusal(404, str(fault))
        except (_BadRequest, InvalidOption) as fault:
            return _refusal(400, str(fault))

    return handle


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as fault:
        raise _BadRequest(f"The body is not JSON: {fault}.") from fault
    if not isinstance(value, dict):
        raise _BadRequest("The body must be a JSON object.")
    return value


def _json(value: Any) -> Answer:
    return Answer(body=orjson.dumps(value))


def _refusal(status: int, message: str) -> Answer:
    return Answer(status=status, body=orjson.dumps({"error": message}))
