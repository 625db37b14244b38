"""Whatever comes in, HubSpot answers: a page, or a refusal of the caller, never a fault of the simulator's own."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from conjunct.simulators import Call, SimulatorOptions
from conjunct.simulators.contract import Handler
from conjunct.simulators.hubspot import create


def _routes() -> dict[tuple[str, str], Handler]:
    return {(route.method, route.path): route.handler for route in create(SimulatorOptions(records=30)).routes()}


ROUTES, SPOILT = _routes(), _routes()
"""The second is of an account whose records may all be merged away."""

NAMES = st.sampled_from(
    ["email", "hs_object_id", "lastmodifieddate", "annualrevenue", "interests", "birthday", "nothing"]
)
ONE_VALUE = ("EQ", "NEQ", "LT", "LTE", "GT", "GTE", "BETWEEN", "CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN")
OPERATORS = st.sampled_from([*ONE_VALUE, "IN", "NOT_IN", "HAS_PROPERTY", "NOT_HAS_PROPERTY", "LIKE"])
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
TEXTS = st.sampled_from(["1", "-1", "1.5", "inf", "2026-02-30", "2025-06-01", "9999-12-31T23:59:59-14:00", "*", "[a"])
VALUES = TEXTS | JSON
FILTERS = st.fixed_dictionaries(
    {"propertyName": NAMES | JSON, "operator": OPERATORS | JSON},
    optional={"value": VALUES, "highValue": VALUES, "values": st.lists(VALUES, max_size=3) | JSON},
)
GROUPS = st.lists(st.fixed_dictionaries({"filters": st.lists(FILTERS, max_size=3)}) | JSON, max_size=2)
SORTS = st.lists(
    NAMES | st.fixed_dictionaries({"propertyName": NAMES | JSON}, optional={"direction": JSON}), max_size=1
)
SEARCHES = st.fixed_dictionaries(
    {"filterGroups": GROUPS | JSON},
    optional={"sorts": SORTS | JSON, "limit": VALUES, "after": VALUES, "query": VALUES, "properties": JSON},
)
CHANGES = st.fixed_dictionaries({"properties": st.dictionaries(NAMES, VALUES, max_size=3) | JSON})
INPUTS = st.fixed_dictionaries({"inputs": st.lists(CHANGES | JSON, max_size=3) | JSON}, optional={"properties": JSON})


def _status(
    method: str,
    path: str,
    body: object = None,
    query: dict[str, str] | None = None,
    routes: dict[tuple[str, str], Handler] = ROUTES,
) -> int:
    call = Call(
        method=method,
        path=path,
        params={"object": "contacts", "id": "171591000001", "from": "contacts", "to": "companies"},
        query=query or {},
        headers={"Authorization": "Bearer x"},
        body=orjson.dumps(body),
        origin="http://127.0.0.1",
    )
    answer = routes[method, path](call)
    assert answer.status == 204 or orjson.loads(answer.body)
    return answer.status


@given(SEARCHES | JSON)
def test_any_search(body):
    assert _status("POST", "/crm/v3/objects/{object}/search", body) in (200, 400)


@given(CHANGES | JSON)
def test_any_change(body):
    assert _status("PATCH", "/crm/v3/objects/{object}/{id}", body) in (200, 400, 409)


@given(INPUTS | JSON, st.sampled_from(["read", "create", "update", "upsert", "archive"]))
def test_any_batch(body, kind):
    status = _status("POST", f"/crm/v3/objects/{{object}}/batch/{kind}", body)
    assert status in (200, 201, 204, 207, 400, 409)


IDS = st.sampled_from(["171591000001", "29013000001", "1", "x"]) | JSON
ENDS = st.fixed_dictionaries({"id": IDS})
TYPES = st.lists(
    st.fixed_dictionaries(
        {
            "associationTypeId": st.sampled_from([1, 279, 5]) | JSON,
            "associationCategory": st.just("HUBSPOT_DEFINED") | JSON,
        }
    ),
    max_size=2,
)
LINKS = st.fixed_dictionaries(
    {},
    optional={
        "id": IDS, "from": ENDS | JSON, "to": ENDS | st.lists(ENDS, max_size=2) | JSON, "types": TYPES | JSON,
        "associations": st.lists(st.fixed_dictionaries({"to": ENDS | JSON, "types": TYPES | JSON}), max_size=2) | JSON,
        "properties": st.dictionaries(NAMES, VALUES, max_size=2), "idProperty": NAMES | JSON, "type": NAMES | JSON,
    },
)  # fmt: skip
LINKED = st.fixed_dictionaries({"inputs": st.lists(LINKS | JSON, max_size=3)})


@given(
    LINKED | JSON,
    st.sampled_from(
        [
            path
            for method, path in ROUTES
            if method == "POST" and ("batch/" in path or path.endswith(("labels", "merge", "gdpr-delete", "schemas")))
        ]
    ),
)
def test_any_association_or_batch(body, path):
    assert _status("POST", path, body, routes=SPOILT) in (200, 201, 204, 207, 400, 404, 409)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("count", "offset", "query", "name"), VALUES)) | JSON)
def test_any_search_of_lists(body):
    assert _status("POST", "/crm/v3/lists/search", body) in (200, 400)


@given(st.dictionaries(st.sampled_from(["limit", "after", "properties", "archived"]), st.text(max_size=25)))
def test_any_list(query):
    assert _status("GET", "/crm/v3/objects/{object}", query=query) in (200, 400)
