"""Records as bytes. Each is encoded once for a choice of properties; a page is their bytes joined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from conjunct.simulators.hubspot import moments
from conjunct.simulators.hubspot.definitions import PORTAL_ID
from conjunct.simulators.hubspot.store import RecordStore

_KEPT = 250_000


class Renderer:
    """Encodes one object's records and keeps what it encoded, up to a bound."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._url = f"https://app.hubspot.com/contacts/{PORTAL_ID}/record/{store.kind.type_id}/"
        self._encoded: dict[tuple[str, ...], dict[int, bytes]] = {}
        self._kept = 0

    def choose(self, requested: Iterable[str] | None) -> tuple[str, ...]:
        """The properties to answer with: the requested ones that exist and those always given, in order of name."""
        kind = self._store.kind
        if requested is None:
            return kind.default
        return tuple(sorted({name for name in requested if name in self._store.definitions} | set(kind.always)))

    def join(self, places: Iterable[int], names: tuple[str, ...]) -> bytes:
        """The records as the inside of a JSON array."""
        if self._kept > _KEPT:
            self.forget_all()
        kept = self._encoded.setdefault(names, {})
        parts = []
        for place in places:
            part = kept.get(place)
            if part is None:
                # A copy, because what the encoder returns holds on to the whole buffer that it wrote into.
                part = kept[place] = bytes(memoryview(self.one(place, names)))
                self._kept += 1
            parts.append(part)
        return b",".join(parts)

    def one(self, place: int, names: tuple[str, ...] | None = None, more: Mapping[str, Any] | None = None) -> bytes:
        """One record with the properties `names`, null where there is no value, or with all that have a value.

        `more` are further members of it.
        """
        store = self._store
        values = store.properties(place)
        record_id = values["hs_object_id"]
        archived_at = store.archived.get(place)
        record: dict[str, object] = {
            "id": record_id,
            "properties": {name: values.get(name) for name in (sorted(values) if names is None else names)},
            "createdAt": values[store.kind.created],
            "updatedAt": values[store.kind.stamp],
            "archived": archived_at is not None,
        }
        if archived_at is not None:
            record["archivedAt"] = moments.write(archived_at)
        record["url"] = f"{self._url}{record_id}"
        return orjson.dumps({**record, **more} if more else record)

    def forget(self, place: int) -> None:
        """The record has changed."""
        for kept in self._encoded.values():
            if kept.pop(place, None) is not None:
                self._kept -= 1

    def forget_all(self) -> None:
        """Any record may have changed."""
        self._encoded.clear()
        self._kept = 0
