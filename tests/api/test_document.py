"""The OpenAPI document that we serve names our operations as the API specification does."""

from __future__ import annotations

import re
from typing import Any

from tests.api.world import World
from tests.support.specification import require_specification, specification

OURS_ALONE = {
    "completeOAuth",
    "returnFromCustomAuth",
    "downloadPayload",
    "listRevisions",
    "getRevision",
    "diffRevision",
    "planIntegrations",
    "rollbackIntegration",
    "listAuditEntries",
    "listOrgAuditEntries",
    "checkConnection",
    "getConnectionDeletionPlan",
    "exportConnections",
    "importConnections",
    "createConnectLink",
    "listConnectLinks",
    "getConnectLink",
    "deleteConnectLink",
    "getDestinationHealth",
    "disableDestination",
    "enableDestination",
    "listDeliveries",
    "getDelivery",
    "recoverDeliveries",
    "replayDelivery",
    "pullMessages",
    "listReads",
}
"""Operations that the specification has not: the page at the end of an OAuth flow, a link that messages hold, and what
goes beyond it."""


OF_ALL = {("query", "pageSize"), ("query", "pageToken"), ("header", "Idempotency-Key")}
"""Parameters that lists and POSTs have here, and that the specification has on few of them or none."""


BESIDES = {("deleteConnection", ("query", "revoke")), ("writeRecords", ("query", "dryRun"))}
"""Parameters of our own on operations of the specification."""

SPECIFICATIONS = ("api.bundled", "read", "write", "search")


def operations(document: dict[str, Any], *, of_surfaces: bool = False) -> dict[str, tuple[str, str]]:
    """Method and path by the operation's id; `of_surfaces`: without what goes before a surface's own paths."""
    return {
        operation["operationId"]: (method, re.sub("^(/write|/search)?/v1", "", path) if of_surfaces else path)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if isinstance(operation, dict) and "operationId" in operation
    }


async def test_operations_are_named_and_placed_as_specified(world: World) -> None:
    require_specification()
    specified: dict[str, tuple[str, str]] = {}
    for name in SPECIFICATIONS:
        specified |= operations(specification(name) or {})
    ours = operations((await world.client.get("/v1/openapi.json")).json(), of_surfaces=True)
    assert ours.keys() - specified.keys() == OURS_ALONE
    common = ours.keys() & specified.keys()
    assert {name: ours[name] for name in common} == {name: specified[name] for name in common}


async def test_parameters_are_those_that_are_specified(world: World) -> None:
    require_specification()
    document = (await world.client.get("/v1/openapi.json")).json()
    faults = []
    for name in SPECIFICATIONS:
        other = specification(name) or {}
        for identifier, (method, path) in operations(document).items():
            if (place := operations(other).get(identifier)) is None:
                continue
            ours = _parameters(document, document["paths"][path], method)
            theirs = _parameters(other, other["paths"][place[1]], place[0])
            faults += [f"{identifier} lacks {parameter}" for parameter in theirs - ours]
            faults += [
                f"{identifier} has {parameter} too"
                for parameter in ours - theirs - OF_ALL
                if (identifier, parameter) not in BESIDES
            ]
    assert sorted(faults) == [
        "generateUploadUrl has ('query', 'md5') too",  # the specification's own command line sends it
        "patchObjectConfigContent has ('query', 'skipSampling') too",  # as the other changes of a config have
    ]


def _parameters(document: dict[str, Any], path: dict[str, Any], method: str) -> set[tuple[str, str]]:
    found = [*path.get("parameters", []), *path[method].get("parameters", [])]
    return {(each["in"], each["name"]) for each in (_resolved(document, parameter) for parameter in found)}


def _resolved(document: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in node:
        return node
    found: Any = document
    for part in node["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return dict(found)
