"""Made-up records: each is a pure function of the seed and its place, so a million of them cost nothing until read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from conjunct.simulators.hubspot import account, moments, owners
from conjunct.simulators.hubspot.definitions import ObjectType

_T = TypeVar("_T")
Properties = dict[str, str | None]

_DAY = 86_400_000
_YEAR = 365 * _DAY
_MASK = (1 << 64) - 1

_FIRST_NAMES = (
    "Ava", "Ben", "Carla", "David", "Elif", "Felix", "Grace", "Hugo", "Ines", "Jonas", "Keiko", "Liam", "Mina",
    "Noah", "Olga", "Priya", "Quentin", "Rosa", "Samir", "Tara", "Umar", "Vera", "Wei", "Yara", "Zoë",
)  # fmt: skip
_LAST_NAMES = (
    "Adams", "Becker", "Costa", "Dubois", "Evans", "Fischer", "García", "Hansen", "Ito", "Jensen", "Khan", "Lopez",
    "Meyer", "Novak", "O'Brien", "Patel", "Quinn", "Rossi", "Sato", "Torres", "Ueda", "Varga", "Weber", "Young",
)  # fmt: skip
_COMPANY_WORDS = ("Northwind", "Bluebird", "Granite", "Harbor", "Juniper", "Lumen", "Meridian", "Orchard", "Summit")
_COMPANY_KINDS = ("Labs", "Foods", "Systems", "Logistics", "Partners", "Energy", "Health")
_CITIES = (("Berlin", "Germany"), ("Lisbon", "Portugal"), ("Austin", "United States"), ("Osaka", "Japan"))
_TOUCHED_TEXTS = ("Engineer", "Head of Sales", "Product Manager", "Analyst", "Founder", "Buyer", "Consultant")


def mix(seed: int, place: int) -> int:
    """64 well-mixed bits for a place: a seeded hash, many times faster than seeding a generator for each record."""
    value = (seed * 0xD1342543DE82EF95 + place * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) & _MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & _MASK
    return value ^ (value >> 31)


@dataclass(frozen=True, slots=True)
class Seeder:
    """Makes the records of one object: `count` of them, created and changed in the year before `as_of` (ms)."""

    kind: ObjectType
    seed: int
    count: int
    as_of: int

    def created(self, place: int) -> int:
        """When the record was created, in ms: evenly over the year, so that ids are in the order of creation."""
        return self.as_of - _YEAR + place * _YEAR // max(self.count, 1)

    def modified(self, place: int) -> int:
        """When the record was last changed, in ms: some time between its creation and `as_of`."""
        created = self.created(place)
        return created + mix(self.seed ^ 0x5EED, place) % (self.as_of - created)

    def properties(self, place: int) -> Properties:
        """All properties that have a value."""
        kind = self.kind
        bits = mix(self.seed, place)
        record = _MAKERS.get(kind.name, _anything)(place, bits, self)
        if not kind.custom:
            record["hubspot_owner_id"] = _pick(owners.OWNERS, bits >> 48).id
        record[kind.created] = moments.write(self.created(place))
        record["hs_object_id"] = str(kind.first_id + place)
        record[kind.stamp] = moments.write(self.modified(place))
        return record

    def place_of(self, unique_value: str) -> int | None:
        """The only place whose record may hold this value of the unique property: such values name their place."""
        digits = unique_value.partition("@")[0].rpartition("." if "@" in unique_value else "-")[2]
        if not digits.isdecimal() or len(digits) > len(str(self.count)):
            return None
        place = int(digits)
        return place if place < self.count else None


def touched_values(kind: ObjectType) -> Sequence[str]:
    """What a made-up user may set the object's `touched` property to."""
    options = next(item.options for item in kind.properties if item.name == kind.touched)
    return [value for value, _label in options] or _TOUCHED_TEXTS


def _pick(values: Sequence[_T], bits: int) -> _T:
    return values[bits % len(values)]


def _company_name(bits: int) -> str:
    return f"{_pick(_COMPANY_WORDS, bits)} {_pick(_COMPANY_KINDS, bits >> 8)}"


def _contact(place: int, bits: int, seeder: Seeder) -> Properties:
    first, last = _pick(_FIRST_NAMES, bits), _pick(_LAST_NAMES, bits >> 8)
    city, country = _pick(_CITIES, bits >> 16)
    employer = place // account.COMPANIES.share
    mail_name = f"{first}.{last}".lower().replace("ë", "e").replace("í", "i").replace("'", "")
    record: Properties = {
        "email": f"{mail_name}.{place}@example.com",
        "firstname": first,
        "lastname": last,
        "phone": f"+1 555 {bits >> 20 & 0xFFFFF:07d}",
        "company": _company_name(mix(seeder.seed, employer)),
        "jobtitle": _pick(_TOUCHED_TEXTS, bits >> 24),
        "city": city,
        "country": country,
        "lifecyclestage": _pick(account.LIFECYCLE, bits >> 28)[0],
        "hs_lead_status": _pick(account.LEAD_STATUS, bits >> 32)[0],
        "hs_email_optout": "true" if bits >> 36 & 15 == 0 else "false",
        "associatedcompanyid": str(account.COMPANIES.first_id + employer),
    }
    if bits >> 40 & 3 == 0:
        record["annualrevenue"] = str((bits >> 42 & 0xFFF) * 1000)
    if bits >> 40 & 1 == 0:
        record["birthday"] = f"{1950 + (bits >> 44) % 50}-{1 + (bits >> 50) % 12:02d}-{1 + (bits >> 54) % 28:02d}"
        record["interests"] = "api;reporting" if bits >> 58 & 1 else "automation"
    return record


def _company(place: int, bits: int, _seeder: Seeder) -> Properties:
    name = _company_name(bits)
    city, country = _pick(_CITIES, bits >> 16)
    return {
        "name": name,
        "domain": f"{name.lower().replace(' ', '-')}-{place}.example.com",
        "phone": f"+1 555 {bits >> 20 & 0xFFFFF:07d}",
        "city": city,
        "country": country,
        "industry": _pick(account.INDUSTRIES, bits >> 24)[0],
        "numberofemployees": str(1 + (bits >> 28) % 5000),
        "annualrevenue": str((bits >> 42 & 0xFFFF) * 1000),
        "lifecyclestage": _pick(account.LIFECYCLE, bits >> 32)[0],
    }


def _deal(place: int, bits: int, seeder: Seeder) -> Properties:
    return {
        "dealname": f"{_company_name(bits)} - renewal {place}",
        "amount": f"{(bits >> 20) % 1_000_000 / 100:.2f}",
        "closedate": moments.write(seeder.created(place) + (bits >> 40) % 90 * _DAY),
        "pipeline": "default",
        "dealstage": _pick(account.DEAL_STAGES, bits >> 16)[0],
        "dealtype": _pick(account.DEAL_TYPES, bits >> 24)[0],
    }


def _ticket(place: int, bits: int, _seeder: Seeder) -> Properties:
    return {
        "subject": f"Question {place} about {_pick(('billing', 'login', 'exports', 'the API'), bits)}",
        "content": f"Asked by {_pick(_FIRST_NAMES, bits >> 8)}.",
        "hs_pipeline": "0",
        "hs_pipeline_stage": _pick(account.TICKET_STAGES, bits >> 16)[0],
        "hs_ticket_priority": _pick(account.PRIORITIES, bits >> 24)[0],
    }


def _machine(place: int, bits: int, seeder: Seeder) -> Properties:
    return {
        "serial_number": f"SN-{place}",
        "model": _pick(("M100", "M200", "M300"), bits),
        "state": _pick(account.MACHINE_STATES, bits >> 8)[0],
        "hours_run": f"{(bits >> 16) % 100_000 / 10:.1f}",
        "installed_on": moments.write(seeder.created(place))[:10],
    }


def _anything(place: int, bits: int, seeder: Seeder) -> Properties:
    """A record of an object that has no maker of its own, by the types of its properties."""
    record: Properties = {}
    for turn, item in enumerate(seeder.kind.properties):
        if item.read_only or item.external:
            continue
        if item.options:
            record[item.name] = _pick(item.options, bits >> turn)[0]
        elif item.type == "number":
            record[item.name] = str(1 + (bits >> turn * 3) % 1000)
        elif item.type == "datetime":
            record[item.name] = moments.write(seeder.created(place))
        else:
            record[item.name] = f"{item.label} {place}"
    return record


_MAKERS: dict[str, Callable[[int, int, Seeder], Properties]] = {
    "contacts": _contact,
    "companies": _company,
    "deals": _deal,
    "tickets": _ticket,
    "machines": _machine,
}
