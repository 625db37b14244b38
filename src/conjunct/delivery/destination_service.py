"""Destinations: make, find, change and remove them, and open them for sending."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from conjunct.core.egress import Egress
from conjunct.core.encryption import Keyring
from conjunct.core.paging import WHOLE, Page
from conjunct.core.problems import InvalidRequest, Issue, Unprocessable
from conjunct.delivery import repository
from conjunct.delivery.channel import Channel
from conjunct.delivery.destinations import destination_type
from conjunct.delivery.destinations.contract import Secrets, Surroundings
from conjunct.delivery.health import Health
from conjunct.delivery.options import DeliveryOptions
from conjunct.delivery.repository import StoredDestination
from conjunct.delivery.schemas import CreateDestination, DeliveryTerms, DestinationChanges
from conjunct.delivery.terms import PLAIN, Terms, check_terms
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id
from conjunct.tenants import ProjectKeys
from conjunct.tenants.audit import note_change

_TERMS = {str(each.alias): name for name, each in DeliveryTerms.model_fields.items()}
"""The fields of terms, by their names on the wire."""


@dataclass(frozen=True, slots=True)
class Contents:
    """A destination's metadata, whole, its secrets and its terms."""

    metadata: dict[str, Any] = field(repr=False)
    secrets: Secrets = field(repr=False)
    terms: Terms = PLAIN


@dataclass(frozen=True, slots=True)
class Changes:
    """Checked new values; `metadata` and `terms` hold the named fields only, None for one that goes."""

    name: str | None
    metadata: dict[str, Any]
    terms: dict[str, Any] = field(default_factory=dict)


class DestinationService:
    """What others ask of destinations, on the caller's transaction unless it says otherwise."""

    def __init__(self, *, keys: ProjectKeys, egress: Egress, options: DeliveryOptions, clock: Clock) -> None:
        self._keys = keys
        self._egress = egress
        self._around = Surroundings(egress, options.allowed_networks)
        self._clock = clock

    async def check_new(self, given: CreateDestination) -> Contents:
        """The contents of a destination to be made. Looks up its host, so no transaction is open."""
        kind = destination_type(given.type)
        asked = given.delivery or DeliveryTerms()
        terms = check_terms(asked.rate_per_second, asked.ordered, asked.keep_hours, pushes=kind.pushes)
        metadata = await kind.check_metadata(given.metadata, self._around)
        return Contents(metadata, kind.first_secrets(given.secrets or {}, self._clock.now()), terms)

    async def create(
        self, session: AsyncSession, project_id: str, name: str, type_name: str, contents: Contents
    ) -> dict[str, Any]:
        """Make a destination and give it as it is shown; `DestinationNameTaken`."""
        keyring = await self._keys.keyring(session, project_id)
        draft = StoredDestination(new_id(), project_id, name, type_name, {}, b"", "", None, health=Health())
        await repository.create(session, _seal(keyring, draft, contents))
        return await self.show(session, project_id, draft.id)

    async def list(self, session: AsyncSession, project_id: str, page: Page = WHOLE) -> list[dict[str, Any]]:
        """A page of the project's destinations as they are shown, oldest first."""
        keyring = await self._keys.keyring(session, project_id)
        return [_shown(each, _open(keyring, each)) for each in await repository.in_project(session, project_id, page)]

    async def missing(self, session: AsyncSession, project_id: str, names: Sequence[str]) -> frozenset[str]:
        """Those of the names (or ids) that no destination of the project has."""
        return frozenset(names) - await repository.known_names(session, project_id, names)

    async def show(
        self, session: AsyncSession, project_id: str, name_or_id: str, *, secrets: bool = False, rotate: bool = False
    ) -> dict[str, Any]:
        """A destination as it is shown, with its secrets if wanted, after giving it new ones if wanted."""
        keyring = await self._keys.keyring(session, project_id)
        destination = await repository.find(session, project_id, name_or_id, for_update=rotate)
        contents = _open(keyring, destination)
        kind = destination_type(destination.type)
        if rotate:
            contents = replace(contents, secrets=kind.rotate_secrets(contents.secrets, self._clock.now()))
            await repository.save(session, _seal(keyring, destination, contents))
            destination = await repository.find(session, project_id, destination.id)
        shown = _shown(destination, contents)
        return {**shown, "secrets": kind.show_secrets(contents.secrets)} if secrets else shown

    async def check_changes(
        self, session: AsyncSession, project_id: str, name_or_id: str, mask: Sequence[str], given: DestinationChanges
    ) -> tuple[str, dict[str, Any], Changes]:
        """The type, the metadata to be, and the changes to make; `InvalidRequest` or `Unprocessable` for the mask.

        `check_metadata` on the metadata to be comes next, when the transaction has ended.
        """
        keyring = await self._keys.keyring(session, project_id)
        destination = await repository.find(session, project_id, name_or_id)
        changes = _named_changes(mask, given, destination.type)
        _changed_terms(destination, changes)
        metadata = _merged(_open(keyring, destination).metadata, changes.metadata)
        return destination.type, metadata, changes

    async def check_metadata(self, type_name: str, metadata: Mapping[str, Any]) -> None:
        """Refuse metadata that the type does not take. Looks up its host, so no transaction is open."""
        await destination_type(type_name).check_metadata(metadata, self._around)

    async def change(self, session: AsyncSession, project_id: str, name_or_id: str, changes: Changes) -> dict[str, Any]:
        """Make checked changes and give the destination as it is shown. A new URL begins with a clean record."""
        keyring = await self._keys.keyring(session, project_id)
        destination = await repository.find(session, project_id, name_or_id, for_update=True)
        contents = _open(keyring, destination)
        contents = replace(contents, metadata=_merged(contents.metadata, changes.metadata))
        contents = replace(contents, terms=_changed_terms(destination, changes))
        renamed = replace(destination, name=changes.name or destination.name)
        await repository.save(session, _seal(keyring, renamed, contents), heal=bool(changes.metadata))
        return await self.show(session, project_id, destination.id)

    async def remove(self, session: AsyncSession, project_id: str, name_or_id: str) -> None:
        """Remove a destination and the messages that wait for it."""
        destination = await repository.find(session, project_id, name_or_id, for_update=True)
        note_change(resource_id=destination.id, name=destination.name)
        await repository.remove(session, project_id, destination.id)

    async def open_channel(self, session: AsyncSession, project_id: str, name_or_id: str) -> Channel:
        """Open a destination for sending; `DestinationNotFound`."""
        keyring = await self._keys.keyring(session, project_id)
        return self.channel(keyring, await repository.find(session, project_id, name_or_id))

    async def keyring(self, session: AsyncSession, project_id: str) -> Keyring:
        """The project's keys, which seal everything of delivery."""
        return await self._keys.keyring(session, project_id)

    def channel(self, keyring: Keyring, destination: StoredDestination) -> Channel:
        """Open a destination whose row is at hand."""
        contents = _open(keyring, destination)
        sender = destination_type(destination.type).sender(contents.metadata, contents.secrets, self._egress)
        return Channel(
            project_id=destination.project_id,
            destination_id=destination.id,
            destination_name=destination.name,
            destination_type=destination.type,
            opened_at=self._clock.now(),
            sender=sender,
            keyring=keyring,
            terms=destination.terms,
        )


def _named_changes(mask: Sequence[str], given: DestinationChanges, type_name: str) -> Changes:
    """The values that the mask names, of what was given."""
    fields = destination_type(type_name).metadata_fields
    if not mask:
        raise InvalidRequest("The update mask is empty.", issues=[Issue("updateMask", "must name at least one field")])
    name: str | None = None
    metadata: dict[str, Any] = {}
    terms: dict[str, Any] = {}
    foreign: list[Issue] = []
    for place, path in enumerate(mask):
        group, _, key = path.partition(".")
        if path == "name" and given.name is None:
            raise InvalidRequest("The new name is missing.", issues=[Issue("destination.name", "is required")])
        if path == "name":
            name = given.name
        elif group == "metadata" and key in fields:
            metadata[key] = given.metadata.get(key)
        elif group == "delivery" and key in _TERMS:
            terms[_TERMS[key]] = getattr(given.delivery, _TERMS[key])
        elif group in {"metadata", "secrets"} and key:
            foreign.append(Issue(f"updateMask.{place}", f"is not a field of the type {type_name}", value=path[:100]))
        else:
            raise InvalidRequest(
                "The update mask names a field that cannot be updated.",
                remedy="Use `name`, `metadata.<field>`, `secrets.<field>` or `delivery.<field>`.",
                issues=[Issue(f"updateMask.{place}", "cannot be updated", value=path[:100])],
            )
    if foreign:
        known = ", ".join(["name", *sorted(f"metadata.{field}" for field in fields)])
        raise Unprocessable(
            f"The update mask names fields that a destination of the type {type_name} does not have.",
            remedy=f"Use these: {known}.",
            issues=foreign,
        )
    return Changes(name, metadata, terms)


def _changed_terms(destination: StoredDestination, changes: Changes) -> Terms:
    """The terms to be; `Unprocessable`."""
    pushes = destination_type(destination.type).pushes
    before = destination.terms.columns if pushes else {"keep_hours": destination.terms.keep_hours}
    asked = {"rate_per_second": None, "ordered": None, **before, **changes.terms}
    return check_terms(**asked, pushes=pushes)


def _merged(metadata: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in {**metadata, **changes}.items() if value is not None}


def _seal(keyring: Keyring, destination: StoredDestination, contents: Contents) -> StoredDestination:
    """The row with these contents: in the open only the metadata that holds no credentials."""
    hidden = destination_type(destination.type).secret_metadata_fields
    sealed = {
        "secrets": contents.secrets,
        "metadata": {key: value for key, value in contents.metadata.items() if key in hidden},
    }
    return replace(
        destination,
        metadata={key: value for key, value in contents.metadata.items() if key not in hidden},
        terms=contents.terms,
        sealed_secrets=keyring.encrypt(orjson.dumps(sealed), secrets_place(destination.id)),
    )


def _open(keyring: Keyring, destination: StoredDestination) -> Contents:
    sealed = orjson.loads(keyring.decrypt(destination.sealed_secrets, secrets_place(destination.id)))
    return Contents({**destination.metadata, **sealed["metadata"]}, sealed["secrets"], destination.terms)


def _shown(destination: StoredDestination, contents: Contents) -> dict[str, Any]:
    shown = {
        "id": destination.id,
        "name": destination.name,
        "type": destination.type,
        "metadata": contents.metadata,
        "createTime": destination.create_time,
    }
    if contents.terms != PLAIN:
        shown["delivery"] = {wire: getattr(contents.terms, name) for wire, name in _TERMS.items()}
    return {**shown, "updateTime": destination.update_time} if destination.update_time else shown


def secrets_place(destination_id: str) -> str:
    """What a destination's secrets are sealed for."""
    return f"destination:{destination_id}:sealed_secrets"
