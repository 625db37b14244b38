"""Compares what arrived with what Redmine itself tells."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from scripts.realcheck.judging import require
from scripts.realcheck.receiver import Arrived


def require_equal(name: str, records: list[dict[str, Any]], arrived: list[Arrived]) -> None:
    """Raise `CheckFailed` unless exactly these records arrived, each once, with the values that Redmine tells."""
    ids = Counter(each.id for each in arrived)
    expected = {record["id"]: record for record in records}
    missing, extra = expected.keys() - ids.keys(), ids.keys() - expected.keys()
    repeated = [each for each, times in ids.items() if times > 1]
    require(
        not (missing or extra or repeated),
        f"{name}: missing {sorted(missing)[:9]}, not expected {sorted(extra)[:9]}, repeated {repeated[:9]}",
    )
    for each in arrived:
        record = expected[each.id]
        for part, names in FIELDS[name].items():
            there = {ours: value_at(record, theirs) for ours, theirs in names.items()}
            here = {ours: each.record.get(part, {}).get(ours) for ours in names}
            require(here == there, f"{name} {each.id}: {part} are {here}, in Redmine {there}")
            more = each.record.get(part, {}).keys() - names.keys()
            require(not more, f"{name} {each.id}: nobody asked for {more}")
        raw = each.record["raw"]
        differing = {key: value for key, value in raw.items() if key in record and value != record[key]}
        require(not differing, f"{name} {each.id}: raw has {differing}, Redmine {record}")


def fields_of(manifest: Path) -> dict[str, dict[str, dict[str, str]]]:
    """For each object, and for `fields` and `mappedFields` of a delivered record: our names and Redmine's."""
    objects = yaml.safe_load(manifest.read_text())["integrations"][0]["read"]["objects"]
    found: dict[str, dict[str, dict[str, str]]] = {}
    for each in objects:
        required = each["requiredFields"]
        found[each["objectName"]] = {
            "fields": {one["fieldName"]: one["fieldName"] for one in required if "mapToName" not in one},
            "mappedFields": {one["mapToName"]: one["fieldName"] for one in required if "mapToName" in one},
        }
    return found


def value_at(record: dict[str, Any], selector: str) -> Any:
    """A field, or a nested one (`$['project']['name']`); None where the record has none."""
    if not selector.startswith("$"):
        return record.get(selector)
    found: Any = record
    for step in selector[3:-2].split("']['"):
        found = (found or {}).get(step)
    return found


FIELDS = fields_of(Path(__file__).with_name("amp.yaml"))
