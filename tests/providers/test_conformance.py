"""Every provider folder: a valid definition, and samples of what goes over the wire, replayed to the byte.

A sample (`samples/*.json`) is a read or a search, the requests that it must make, the answers that it gets, and the
records that come of it. Adding a provider adds its folder; nothing here changes.
"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from conjunct.connectors import Connector, Page, ReadQuery, SearchQuery, object_support, support
from conjunct.connectors.document_schema import document_schema
from conjunct.providers import Catalog
from conjunct.providers.catalog import BUILT_IN, FILE_NAME
from tests.connectors.scripted import Received, Reply, ScriptedProvider, read_all, scripted_provider

CATALOG = Catalog()
FOLDERS = sorted(file.parent for file in BUILT_IN.glob(f"*/{FILE_NAME}"))
READ = [folder for folder in FOLDERS if support(CATALOG.get(folder.name)).read]
"""Those of which we know how records are read; the others have a proxy only."""
SAMPLES = {
    (path.parent.parent.name, path.stem): json.loads(path.read_text())
    for path in sorted(BUILT_IN.glob("*/samples/*.json"))
}


def query_of(read: dict[str, Any]) -> ReadQuery:
    bounds = {name: datetime.fromisoformat(read[name]) for name in ("since", "until") if name in read}
    return ReadQuery(
        read["object"],
        tuple(read.get("fields", ())),
        filters=tuple((name, value) for name, value in read.get("filters", ())),
        deleted=read.get("deleted", False),
        page_size=read.get("page_size"),
        **bounds,
    )


async def pages_of(connector: Connector, sample: dict[str, Any]) -> list[Page]:
    wanted = sample.get("search")
    if wanted is None:
        return await read_all(connector, query_of(sample["read"]))
    filters = tuple((name, value) for name, value in wanted["filters"])
    return [await connector.search(SearchQuery(wanted["object"], tuple(wanted["fields"]), filters))]


def as_expected(received: Received) -> dict[str, Any]:
    request: dict[str, Any] = {"method": received.method, "path": received.path}
    if received.query:
        request["query"] = received.query
    if received.body:
        request["body"] = received.json
    return request


async def replay(provider: ScriptedProvider, name: str, sample: dict[str, Any]) -> None:
    provider.answers(
        *(
            Reply(
                json.loads(json.dumps(exchange["response"].get("body")).replace("{base}", provider.url)),
                exchange["response"].get("status", 200),
                exchange["response"].get("headers", {}),
            )
            for exchange in sample["exchanges"]
        )
    )
    pages = await pages_of(provider.connector(CATALOG.get(name)), sample)
    assert [as_expected(each) for each in provider.received] == [each["request"] for each in sample["exchanges"]]
    records = [{"id": record.id, "fields": record.fields} for page in pages for record in page.records]
    assert records == sample["records"]
    assert not [failed for page in pages for failed in page.failed]


def test_there_are_providers_and_each_has_samples():
    assert {"hubspot", "redmine"} <= set(CATALOG.names())
    assert {provider for provider, _ in SAMPLES} == {folder.name for folder in READ}


def test_the_definitions_are_valid_and_named_as_their_folders():
    schema = Draft202012Validator(document_schema())
    faults = {
        folder.name: [fault.json_path for fault in schema.iter_errors(yaml.safe_load((folder / FILE_NAME).read_text()))]
        for folder in FOLDERS
    }
    assert {name: found for name, found in faults.items() if found} == {}
    assert [CATALOG.get(folder.name).name for folder in FOLDERS] == [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("folder", READ, ids=lambda folder: folder.name)
def test_an_object_whose_bounds_the_provider_keeps_has_an_incremental_sample(folder: Path):
    definition = CATALOG.get(folder.name)
    reads = [
        sample["read"] for (provider, _), sample in SAMPLES.items() if provider == folder.name and "read" in sample
    ]
    pushed = {name for name in definition.objects if object_support(definition, name).pushed}
    assert not pushed or any("since" in read and read["object"] in pushed for read in reads)


@pytest.mark.parametrize("folder", READ, ids=lambda folder: folder.name)
def test_an_object_that_can_be_searched_has_a_sample(folder: Path):
    definition = CATALOG.get(folder.name)
    searched = {
        sample["search"]["object"]
        for (name, _), sample in SAMPLES.items()
        if name == folder.name and "search" in sample
    }
    named = {name for name in definition.object_names if object_support(definition, name).search}
    assert not named or searched & named


@pytest.mark.parametrize(("name", "stem"), SAMPLES)
async def test_a_sample_goes_over_the_wire_as_written(name: str, stem: str):
    async with scripted_provider() as provider:
        await replay(provider, name, SAMPLES[name, stem])
