"""Every provider folder: a valid definition, and samples of what goes over the wire, replayed to the byte.

A sample (`samples/*.json`) is a read, a search or a write, the requests that it must make, the answers that it gets,
and what comes of it. Adding a provider adds its folder; nothing here changes.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from conjunct.connectors import object_support, support
from conjunct.connectors.document_schema import document_schema
from conjunct.connectors.write_query import WRITE_TYPES
from conjunct.providers import Catalog
from conjunct.providers.catalog import BUILT_IN
from conjunct.providers.watching import FILE_NAME
from tests.connectors.scripted import scripted_provider
from tests.providers.replaying import replay

CATALOG = Catalog()
FOLDERS = sorted(file.parent for file in BUILT_IN.glob(f"*/{FILE_NAME}"))
READ = [folder for folder in FOLDERS if support(CATALOG.get(folder.name)).read]
"""Those of which we know how records are read; the others have a proxy only."""
WRITTEN = [folder for folder in FOLDERS if support(CATALOG.get(folder.name)).write]
SAMPLES = {
    (path.parent.parent.name, path.stem): json.loads(path.read_text())
    for path in sorted(BUILT_IN.glob("*/samples/*.json"))
}
SAMPLES |= {  # what a definition has of another one is proved by its samples
    (folder.name, stem): sample
    for folder in FOLDERS
    for (provider, stem), sample in SAMPLES.items()
    if provider == CATALOG.get(folder.name).extends
}


def test_there_are_providers_and_each_has_samples():
    assert {"hubspot", "redmine"} <= set(CATALOG.names())
    telling = {name for name in CATALOG.names() if CATALOG.get(name).events is not None}
    assert {provider for provider, _ in SAMPLES} == {folder.name for folder in READ} | telling
    assert {provider for (provider, _), sample in SAMPLES.items() if "webhook" in sample} == telling


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


def test_who_can_be_read_tells_what_its_errors_mean():
    rules = {folder.name: CATALOG.get(folder.name).errors for folder in READ}
    assert [name for name, errors in rules.items() if not errors.rules] == []


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


@pytest.mark.parametrize("folder", WRITTEN, ids=lambda folder: folder.name)
def test_each_way_to_write_has_a_sample(folder: Path):
    can = support(CATALOG.get(folder.name))
    written = [sample["write"] for (name, _), sample in SAMPLES.items() if name == folder.name and "write" in sample]
    single = {write["type"] for write in written}
    many = {write["type"] for write in written if len(write["entries"]) > 1}
    assert {type_ for type_ in WRITE_TYPES if getattr(can, type_)} <= single
    assert set(can.batch) <= many


@pytest.mark.parametrize(("name", "stem"), SAMPLES)
async def test_a_sample_goes_over_the_wire_as_written(name: str, stem: str):
    async with scripted_provider() as provider:
        await replay(provider, CATALOG.get(name), SAMPLES[name, stem])
