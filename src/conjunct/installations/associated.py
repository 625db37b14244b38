"""What belongs to a record, as the specification's `Association`s."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conjunct.connectors import Associated, Record


def associations_of(record: Record, names: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """The record's associations by the provider's name of the other object; `names` are the delivered ones."""
    return {
        other: [told for each in found for told in _associations(each, other, names.get(other, other))]
        for other, found in record.associations.items()
    }


def _associations(associated: Associated, other: str, name: str) -> Iterator[dict[str, Any]]:
    """One association, or one for each kind in which the two records belong together."""
    told: dict[str, Any] = {"id": associated.id, "objectName": name, "rawObjectName": other}
    kinds = associated.metadata if isinstance(associated.metadata, list) else [associated.metadata]
    kinds = [kind for kind in kinds if isinstance(kind, dict)]
    if kinds:
        yield from ({**told, "providerAssociationMetadata": kind} for kind in kinds)
    elif isinstance(associated.raw, dict):
        yield {**told, "raw": associated.raw}
    else:
        yield told
