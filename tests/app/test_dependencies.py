"""Dependencies of endpoints are coroutines: plain functions would each cost a hop into a thread."""

import inspect
from collections.abc import Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security.base import SecurityBase

from conjunct.actions import read
from conjunct.app.api import PLATFORM


def test_every_dependency_is_a_coroutine() -> None:
    routes = [route for router in (*PLATFORM, read.router) for route in router.routes if isinstance(route, APIRoute)]
    assert len(routes) > 20
    calls = {call for route in routes for call in _calls(route.dependant)}
    plain = [call for call in calls if not _is_asynchronous(call)]
    assert plain == []


def _calls(dependant: Dependant) -> Iterator[Any]:
    if dependant.call is not None:
        yield dependant.call
    for each in dependant.dependencies:
        yield from _calls(each)


def _is_asynchronous(call: Any) -> bool:
    if isinstance(call, SecurityBase):
        call = type(call).__call__
    return inspect.iscoroutinefunction(call) or inspect.isasyncgenfunction(call)
