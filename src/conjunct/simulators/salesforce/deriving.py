"""Values that come of others: full names, whole addresses, what a stage means."""

from __future__ import annotations

from collections.abc import Callable

from conjunct.simulators.salesforce.definitions import Record

_PROBABILITIES = {
    "Prospecting": 10,
    "Qualification": 10,
    "Proposal/Price Quote": 75,
    "Negotiation/Review": 90,
    "Closed Won": 100,
    "Closed Lost": 0,
}


def person(address_prefix: str) -> Callable[[Record], None]:
    """Sets the full name and the address of a person whose address fields start with `address_prefix`."""

    def derive(record: Record) -> None:
        first, last = record.get("FirstName"), record.get("LastName")
        record["Name"] = f"{first} {last}" if first and last else last or first
        _join_address(record, address_prefix)

    return derive


def account(record: Record) -> None:
    """Sets the addresses of a company."""
    _join_address(record, "Billing")
    _join_address(record, "Shipping")


def opportunity(record: Record) -> None:
    """Sets what the stage means; a probability that was given stays."""
    stage = record.get("StageName")
    record["IsClosed"] = stage in ("Closed Won", "Closed Lost")
    record["IsWon"] = stage == "Closed Won"
    record.setdefault("Probability", _PROBABILITIES.get(stage or ""))


def case(record: Record) -> None:
    """Sets whether the case is closed."""
    record["IsClosed"] = record.get("Status") == "Closed"


def _join_address(record: Record, prefix: str) -> None:
    parts = {
        "city": record.get(f"{prefix}City"),
        "country": record.get(f"{prefix}Country"),
        "geocodeAccuracy": None,
        "latitude": None,
        "longitude": None,
        "postalCode": record.get(f"{prefix}PostalCode"),
        "state": record.get(f"{prefix}State"),
        "street": record.get(f"{prefix}Street"),
    }
    record[f"{prefix}Address"] = parts if any(parts.values()) else None
