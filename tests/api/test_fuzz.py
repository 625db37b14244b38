"""Requests that schemathesis makes up, from our own OpenAPI and the official one: never a 5xx, always as described.

`CONJUNCT_FUZZ_EXAMPLES` says how many requests of each kind an operation gets; in the suite they are few.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.api.access import ACCESS, Operation, good_places
from tests.api.conformance.operations import SURFACES, specified_operations
from tests.api.world import World
from tests.support.specification import require_specification, specification

EXAMPLES = int(os.environ.get("CONJUNCT_FUZZ_EXAMPLES", "3"))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
AnyOperation = APIOperation[Any, Any, Any, Any]
AnyCase = Case[Any]
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass
class Fuzzer:
    """Sends what schemathesis makes up, as somebody who may, and about things that exist as often as not."""

    base_url: str
    places: dict[str, str]
    headers: dict[str, dict[str, str]]
    cases: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)

    def send(self, case: AnyCase, *, existing: bool, by: str) -> Any:
        """Send the request; keeps count of it."""
        if existing:
            known = {name: value for name, value in self.places.items() if name in case.path_parameters}
            case.path_parameters.update(known)
        response = case.call(base_url=self.base_url, headers=self.headers[by], timeout=30)
        self.cases[case.operation.label] += 1
        self.statuses[response.status_code] += 1
        return response


def in_order(document: dict[str, Any], prefix: str = "") -> Iterator[tuple[AnyOperation, str]]:
    """The document's operations and the whole path of each; those that delete things come last."""
    found = [_understood(each) for each in schemathesis.openapi.from_dict(document).get_all_operations()]
    for operation in sorted(found, key=lambda each: each.method == "delete"):
        yield operation, prefix + operation.path


def _understood(result: Any) -> AnyOperation:
    operation: AnyOperation = result.ok()
    return operation


def strategies(operation: AnyOperation) -> Iterator[Any]:
    """What makes up requests as described, and requests that are wrong in something."""
    for mode in MODES:
        yield operation.as_strategy(generation_mode=mode)


async def fuzz(fuzzer: Fuzzer, operation: AnyOperation, check: Any, by: str) -> None:
    """Send requests of every kind to one operation; every fault is kept."""
    for strategy in strategies(operation):

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=strategy, existing=st.sampled_from((True, True, False)))
        def run(case: AnyCase, existing: bool) -> None:
            check(case, fuzzer.send(case, existing=existing, by=by))

        try:
            await asyncio.to_thread(run)
        except Unsatisfiable:
            continue  # nothing can be wrong in a request without parameters
        except BaseExceptionGroup as group:
            fuzzer.faults += [f"{operation.label}: {each}"[:1500] for each in group.exceptions]
        except AssertionError as error:
            fuzzer.faults.append(f"{operation.label}: {error}"[:1500])


async def test_our_own_openapi(world: World) -> None:
    document = (await world.client.get("/v1/openapi.json")).json()
    fuzzer = make_fuzzer(world)
    for operation, path in in_order(document):
        row = ACCESS.get((operation.method.upper(), path), Operation("full"))
        await fuzz(
            fuzzer, operation, lambda case, response: case.validate_response(response, checks=CHECKS), credential(row)
        )
    tell(fuzzer, "our own OpenAPI")


async def test_the_official_openapi(world: World) -> None:
    require_specification()
    fuzzer = make_fuzzer(world)
    operations = specified_operations()
    for name, prefix in SURFACES.items():
        document = specification(name) or {}
        fuzzer.base_url = f"{str(world.client.base_url).rstrip('/')}{prefix}"
        for operation, _ in in_order({**document, "servers": [{"url": "/"}]}):
            specified = operations[operation.definition.raw["operationId"]]

            def check(case: AnyCase, response: Any, specified: Any = specified) -> None:
                assert response.status_code < 500, response.text
                (media_type,) = response.headers.get("content-type", [""])
                faults = list(specified.faults_of(response.status_code, media_type, response.content))
                assert not faults, f"{case.as_curl_command()}\n{faults}\n{response.text}"

            platform_path = specified.path.replace(prefix, "/v1", 1)
            row = ACCESS.get((specified.method, platform_path), Operation("full"))
            await fuzz(fuzzer, operation, check, credential(row))
    tell(fuzzer, "the official OpenAPI")


def credential(row: Operation) -> str:
    return row.access if row.access in ("owner", "builder") else "full"


def make_fuzzer(world: World) -> Fuzzer:
    builder = {"Authorization": f"Bearer {world.builders['owner']}"}
    headers = {"full": {"X-Api-Key": world.keys["full"]}, "owner": builder, "builder": builder}
    return Fuzzer(str(world.client.base_url).rstrip("/"), good_places(world), headers)


def tell(fuzzer: Fuzzer, what: str) -> None:
    """Print the figures, and fail with all faults."""
    told = f"{what}: {sum(fuzzer.cases.values())} requests to {len(fuzzer.cases)} operations; {dict(fuzzer.statuses)}"
    sys.stdout.write(f"\n{told}\n")
    assert not fuzzer.faults, "\n\n".join(fuzzer.faults[:30])
