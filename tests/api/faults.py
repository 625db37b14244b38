"""Many requests of which each must be refused: what went wrong is told together."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import httpx

from tests.api.access import credential, operation_at
from tests.api.world import World

REFUSED = range(400, 500)


class Faults:
    """What went wrong over many requests, told together at the end."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._faults: list[str] = []
        self._requests = 0

    async def __aenter__(self) -> Faults:
        self._before = await self._world.contents()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        after = await self._world.contents()
        self._faults += [f"the table {name} changed" for name in after if after[name] != self._before[name]]
        assert self._requests > 0
        assert not self._faults, "\n" + "\n".join(self._faults)

    async def expect_passage(self, method: str, path: str, *, succeeds: bool = False, **options: Any) -> None:
        """Send the request; unless its credential is good for it, that is a fault.

        Whether the request is good as well matters only if it `succeeds`.
        """
        self._requests += 1
        self._world.client.headers.pop("X-Api-Key", None)
        headers = options.pop("credential")
        answer = await self._world.client.request(method, path, headers=headers, **options)
        kind = _kind_of(answer)
        refused = answer.status_code in (401, 403) or kind in ("not-found", "org-not-found")
        if refused or answer.status_code >= 500 or (succeeds and answer.status_code != 200):
            self._faults.append(f"{method} {path[:200]}: {answer.status_code} {answer.text[:300]}")

    async def expect(self, statuses: Collection[int], method: str, path: str, **options: Any) -> None:
        """Send the request; unless its answer is a problem with one of these statuses, that is a fault.

        It is sent with a `credential` (headers) that passes, unless another one is given.
        """
        self._requests += 1
        self._world.client.headers.pop("X-Api-Key", None)
        operation = operation_at(method, path.partition("?")[0])
        passing = credential(self._world, operation.access if operation else "full")
        headers = {**options.pop("credential", passing), **options.pop("headers", {})}
        what = f"{method} {path[:200]} {str(options)[:300]}"
        try:
            answer = await self._world.client.request(method, path, headers=headers, **options)
        except (httpx.TransportError, AssertionError) as error:
            self._faults.append(f"{what}: {type(error).__name__}: {str(error)[:500]}")
            return
        if answer.status_code not in statuses:
            self._faults.append(f"{what}: {answer.status_code} {answer.text[:300]}")
        elif fault := _not_a_problem(answer):
            self._faults.append(f"{what}: {fault}: {answer.text[:300]}")


def _kind_of(answer: httpx.Response) -> str:
    """The last part of the type of the problem that is answered, if one is."""
    if answer.status_code < 400 or answer.headers["content-type"].startswith("text/plain"):
        return ""
    return str(answer.json().get("type", "")).rpartition("/")[2]


def _not_a_problem(answer: httpx.Response) -> str | None:
    # Whether it is the one that the specification has here is seen by the client, which checks every answer against it.
    if answer.headers.get("content-type") == "text/plain; charset=utf-8":
        return None if answer.text and len(answer.text.splitlines()) == 1 else "it is not one line of text"
    if answer.headers.get("content-type") not in ("application/problem+json", "application/json"):
        return f"it is {answer.headers.get('content-type')}"
    body = answer.json()
    lacking = {"type", "title", "status", "detail", "requestId", "time", "subsystem", "retryable"} - body.keys()
    if lacking:
        return f"it lacks {', '.join(sorted(lacking))}"
    return None if body["status"] == answer.status_code else "its status is another"
