"""Whatever comes in, Salesforce answers: what was asked for, or a refusal of the caller, never a fault of its own."""

from __future__ import annotations

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from conjunct.simulators import Call, SimulatorOptions
from conjunct.simulators.salesforce import create

SIMULATOR = create(SimulatorOptions(records=30))
ROUTES = {(route.method, route.path): route.handler for route in SIMULATOR.routes()}
ROOT = "/services/data/{version}"
ID = SIMULATOR.touch("Contact", 1)[0]

SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
)
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))
TEXTS = st.sampled_from(["1", "a@b.c", "2026-02-30", "2025-06-01", "9999-12-31T23:59:59-14:00", ID, "0015e0000000Q0u"])
VALUES = TEXTS | JSON
NAMES = st.sampled_from(
    ["LastName", "Email", "AccountId", "Account", "Birthdate", "Score__c", "DoNotCall", "Interests__c", "Id", "Name"]
)
RECORDS = st.dictionaries(NAMES | st.text(max_size=5), VALUES, max_size=4)
TYPED = st.builds(
    lambda record, kind, key: {**record, "attributes": {"type": kind, "referenceId": "r"}, "id": key},
    RECORDS,
    st.sampled_from(["Contact", "Account", "None"]) | JSON,
    TEXTS | JSON,
)
LISTS = st.fixed_dictionaries({"records": st.lists(TYPED | JSON, max_size=3) | JSON}, optional={"allOrNone": VALUES})
URLS = st.sampled_from(["/services/data/v60.0/sobjects/Contact", "/services/data/v60.0/limits", "@{r.id}", "", "//["])
REQUESTS = st.fixed_dictionaries(
    {"method": st.sampled_from(["GET", "POST"]) | JSON, "url": URLS | JSON, "referenceId": TEXTS | JSON},
    optional={"body": RECORDS | JSON, "richInput": RECORDS | JSON, "httpHeaders": JSON},
)
COMPOSITES = st.fixed_dictionaries(
    {
        "compositeRequest": st.lists(REQUESTS | JSON, max_size=3) | JSON,
        "batchRequests": st.lists(REQUESTS | JSON, max_size=3) | JSON,
    },
    optional={"allOrNone": VALUES, "haltOnError": VALUES},
)
FIELDS = st.fixed_dictionaries(
    {
        "FullName": st.sampled_from(["Contact.New__c", "Contact.Score__c", "None.A__c", "x"]) | JSON,
        "Metadata": st.fixed_dictionaries(
            {
                "type": st.sampled_from(["Text", "Number", "Picklist", "Lookup", "Checkbox"]) | JSON,
                "label": st.text(max_size=5),
            },
            optional={
                "length": VALUES,
                "precision": VALUES,
                "scale": VALUES,
                "valueSet": VALUES,
                "referenceTo": VALUES,
            },
        )
        | JSON,
    }
)
JOBS = st.fixed_dictionaries(
    {"operation": st.sampled_from(["insert", "upsert", "query", "delete"]) | JSON},
    optional={"object": VALUES, "query": VALUES, "externalIdFieldName": VALUES, "lineEnding": VALUES},
)


def _status(method: str, path: str, body: object = None, query: dict[str, str] | None = None, **params: Any) -> int:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    call = Call(
        method, path, {"version": "v60.0", **params}, query or {}, {"Authorization": "Bearer x"}, raw, "http://here"
    )
    answer = ROUTES[method, path if path.startswith("/services") else ROOT + path](call)
    refusal = orjson.loads(answer.body) if answer.status >= 400 else None
    if isinstance(refusal, list):
        assert {"message", "errorCode"} <= refusal[0].keys()
    return answer.status


@given(RECORDS | JSON)
def test_any_record(body):
    SIMULATOR.reset()
    assert _status("POST", "/sobjects/{object}", body, object="Contact") in (201, 400, 404)
    assert _status("PATCH", "/sobjects/{object}/{id}", body, object="Contact", id=ID) in (204, 400, 404)
    assert _status("PATCH", "/sobjects/{object}/{field}/{value}", body, object="Contact", field="External_Id__c",
                   value="x") in (200, 201, 400, 404)  # fmt: skip


@given(LISTS | JSON)
def test_any_collection(body):
    SIMULATOR.reset()
    for method, path in (("POST", ""), ("PATCH", ""), ("PATCH", "/{object}/{field}")):
        status = _status(method, f"/composite/sobjects{path}", body, object="Contact", field="External_Id__c")
        assert status in (200, 400, 404)
    assert _status("POST", "/composite/tree/{object}", body, object="Account") in (201, 400)
    assert _status("POST", "/composite/sobjects/{object}", body, object="Account") in (200, 400)


@given(COMPOSITES | JSON)
def test_any_composite(body):
    SIMULATOR.reset()
    assert _status("POST", "/composite", body) in (200, 400)
    assert _status("POST", "/composite/batch", body) in (200, 400)


@given(FIELDS | JSON, JOBS | JSON)
def test_any_definition_and_any_job(definition, job):
    SIMULATOR.reset()
    assert _status("POST", "/tooling/sobjects/CustomField", definition) in (201, 400)
    assert _status("POST", "/jobs/query", job) in (200, 400)
    assert _status("POST", "/jobs/ingest", job) in (200, 400)


NAMES_OF_PARAMETERS = st.sampled_from(["q", "ids", "fields", "start", "end", "locator", "maxRecords", "allOrNone"])


@given(st.dictionaries(NAMES_OF_PARAMETERS, TEXTS | st.text(max_size=25)), st.text(max_size=20))
def test_any_parameters(query, text):
    for path in ("/query", "/search", "/sobjects/{object}/updated", "/sobjects/{object}/{id}", "/query/{locator}",
                 "/composite/sobjects/{object}", "/jobs/query/{id}/results"):  # fmt: skip
        params = {"object": "Contact", "id": text, "locator": text}
        assert _status("GET", path, query=query, **params) in (200, 400, 404)
    assert _status("DELETE", "/composite/sobjects", query=query) in (200, 400)
    assert _status("POST", "/services/oauth2/token", text.encode("utf-8", "replace")) == 400
