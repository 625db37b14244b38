from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from conjunct.manifests import (
    Delivery,
    Integration,
    IntegrationFieldMapping,
    parse_manifest,
    read_objects,
    validate_manifest,
)
from conjunct.manifests.models import Construct

from . import examples


def _with_schedules(content: dict[str, Any]) -> dict[str, Any]:
    """The written content with the one key that the wire format demands."""
    for integration in content["integrations"]:
        for item in integration.get("read", {}).get("objects", []):
            item.setdefault("schedule", "")
    return content


@pytest.mark.parametrize("text", examples.EVERY.values(), ids=examples.EVERY)
def test_the_wire_form_is_what_was_written(text):
    written = _with_schedules(yaml.safe_load(text))
    assert parse_manifest(text).to_wire() == written


@pytest.mark.parametrize("text", examples.EVERY.values(), ids=examples.EVERY)
def test_the_wire_form_reads_back_the_same(text):
    manifest = parse_manifest(text)
    assert validate_manifest(manifest.to_wire()) == manifest


def _constructs_in(value: Any) -> Iterator[tuple[type[Construct], str]]:
    """Every key of every construct that is set somewhere in a value."""
    if isinstance(value, tuple):
        for item in value:
            yield from _constructs_in(item)
    elif isinstance(value, Construct):
        for key in value.model_fields_set:
            yield type(value), key
            yield from _constructs_in(getattr(value, key))


def _all_constructs(kind: type[Construct]) -> Iterator[type[Construct]]:
    for subclass in kind.__subclasses__():
        yield subclass
        yield from _all_constructs(subclass)


def test_the_examples_show_every_key_of_every_construct():
    shown = {pair for text in examples.EVERY.values() for pair in _constructs_in(parse_manifest(text))}
    every = {(kind, key) for kind in _all_constructs(Construct) for key in kind.model_fields}
    assert every - shown == set()


def test_a_manifest_cannot_be_changed():
    manifest = parse_manifest(examples.EVENTS)
    with pytest.raises(ValidationError, match="frozen"):
        manifest.integrations[0].name = "other"  # type: ignore[misc]
    assert hash(manifest) == hash(parse_manifest(examples.EVENTS))


def test_a_field_without_field_name_is_a_mapping_that_the_consumer_makes():
    account = read_objects(parse_manifest(examples.UNIFIED_CRM).integrations[0])[0]
    kinds = [isinstance(field, IntegrationFieldMapping) for field in account.required_fields]
    assert kinds == [False, False, True]


def test_defaults_are_those_of_the_specification():
    integration = Integration.model_validate(
        {
            "name": "a",
            "provider": "b",
            "read": {"objects": [{"objectName": "c", "destination": "d", "delivery": {}}]},
            "watchSchema": {"destination": "d", "allObjects": {}},
        }
    )
    (read_object,) = read_objects(integration)
    assert read_object.schedule == ""
    assert read_object.delivery == Delivery(mode="auto")
    assert integration.watch_schema is not None
    assert integration.watch_schema.schedule == "0 */24 * * *"
