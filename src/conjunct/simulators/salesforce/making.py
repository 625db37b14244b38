"""How the made-up records of each object come of their place and 64 bits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from conjunct.simulators.salesforce import words
from conjunct.simulators.salesforce.definitions import Record
from conjunct.simulators.salesforce.seeding import mix, pick

if TYPE_CHECKING:
    from conjunct.simulators.salesforce.seeding import Seeder


def _company_name(bits: int) -> str:
    return f"{pick(words.COMPANY_WORDS, bits)} {pick(words.COMPANY_KINDS, bits >> 8)}"


def _address(prefix: str, bits: int) -> Record:
    city, state, code, country = pick(words.CITIES, bits >> 16)
    return {
        f"{prefix}Street": f"{1 + bits % 200} Main Street",
        f"{prefix}City": city,
        f"{prefix}State": state,
        f"{prefix}PostalCode": code,
        f"{prefix}Country": country,
    }


def _person(place: int, bits: int) -> Record:
    first, last = pick(words.FIRST_NAMES, bits), pick(words.LAST_NAMES, bits >> 8)
    mailbox = f"{first}.{last}".lower().replace("ë", "e").replace("í", "i").replace("'", "")
    return {
        "FirstName": first,
        "LastName": last,
        "Email": f"{mailbox}.{place}@example.com",
        "Phone": f"+1 555 {bits >> 20 & 0xFFFFF:07d}",
        "Title": pick(words.TITLES, bits >> 24),
        "LeadSource": pick(words.LEAD_SOURCES, bits >> 32),
    }


def account(place: int, bits: int, _seeder: Seeder) -> Record:
    """A company."""
    name = _company_name(bits)
    return {
        "Name": name,
        **_address("Billing", bits),
        "Phone": f"+1 555 {bits >> 20 & 0xFFFFF:07d}",
        "Website": f"https://{name.lower().replace(' ', '-')}-{place}.example.com",
        "Industry": pick(words.INDUSTRIES, bits >> 24),
        "Rating": pick(words.RATINGS, bits >> 26),
        "AnnualRevenue": (bits >> 42 & 0xFFFF) * 1000.0,
        "NumberOfEmployees": 1 + (bits >> 28) % 5000,
        "External_Id__c": f"ACC-{place}",
    }


def contact(place: int, bits: int, seeder: Seeder) -> Record:
    """A person who works for the company of their place."""
    record: Record = {
        "AccountId": seeder.refer("Account", place // 10),
        **_person(place, bits),
        **_address("Mailing", bits),
        "HasOptedOutOfEmail": bits >> 36 & 15 == 0,
        "DoNotCall": False,
        "External_Id__c": f"CON-{place}",
    }
    if bits >> 40 & 3 == 0:
        record["Score__c"] = (bits >> 42 & 0xFFFF) / 100
    if bits >> 40 & 1 == 0:
        record["Birthdate"] = f"{1950 + (bits >> 44) % 50}-{1 + (bits >> 50) % 12:02d}-{1 + (bits >> 54) % 28:02d}"
        record["Interests__c"] = "API;Reporting" if bits >> 58 & 1 else "Automation"
    return record


def lead(place: int, bits: int, seeder: Seeder) -> Record:
    """A person at a company that is none of the accounts."""
    return {
        **_person(place, bits),
        **_address("", bits),
        "Company": _company_name(mix(seeder.seed, -place)),
        "Status": pick(("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"), bits >> 36),
        "Rating": pick(words.RATINGS, bits >> 40),
        "Industry": pick(words.INDUSTRIES, bits >> 44),
        "IsConverted": False,
    }


def opportunity(place: int, bits: int, seeder: Seeder) -> Record:
    """A deal with the company of its place."""
    return {
        "AccountId": seeder.refer("Account", place // 2),
        "Name": f"{_company_name(bits)} - renewal {place}",
        "StageName": pick(words.STAGES, bits >> 16),
        "Amount": (bits >> 20) % 1_000_000 / 100,
        "CloseDate": seeder.created_day(place, (bits >> 40) % 90),
        "Type": pick(("Existing Business", "New Business"), bits >> 24),
        "LeadSource": pick(words.LEAD_SOURCES, bits >> 32),
    }


def contact_role(place: int, bits: int, seeder: Seeder) -> Record:
    """The part that a contact has in the deal of the same place."""
    return {
        "OpportunityId": seeder.refer("Opportunity", place),
        "ContactId": seeder.refer("Contact", place * 5),
        "Role": pick(("Decision Maker", "Evaluator", "Executive Sponsor"), bits),
        "IsPrimary": True,
    }


def case(place: int, bits: int, seeder: Seeder) -> Record:
    """A question that a contact asked."""
    return {
        "CaseNumber": f"{place + 1000:08d}",
        "ContactId": seeder.refer("Contact", place * 20),
        "AccountId": seeder.refer("Account", place * 2),
        "Subject": f"Question {place} about {pick(('billing', 'login', 'exports', 'the API'), bits)}",
        "Status": pick(("New", "Working", "Escalated", "Closed"), bits >> 16),
        "Priority": pick(("High", "Medium", "Low"), bits >> 24),
        "Origin": pick(("Phone", "Email", "Web"), bits >> 28),
    }


def activity(object_name: str) -> Callable[[int, int, Seeder], Record]:
    """Makes tasks or events with a contact of a company."""

    def make(place: int, bits: int, seeder: Seeder) -> Record:
        record: Record = {
            "WhoId": seeder.refer("Contact", place * 20),
            "WhatId": seeder.refer("Account", place * 2),
            "Subject": pick(("Call", "Email", "Meeting", "Send quote"), bits),
        }
        day = seeder.created_day(place, 3)
        if object_name == "Task":
            status = pick(("Not Started", "In Progress", "Completed"), bits >> 8)
            return record | {"Status": status, "Priority": "Normal", "ActivityDate": day}
        start, end = f"{day}T09:00:00.000+0000", f"{day}T10:00:00.000+0000"
        return record | {"StartDateTime": start, "EndDateTime": end, "Location": pick(words.CITIES, bits >> 8)[0]}

    return make


def machine(place: int, bits: int, seeder: Seeder) -> Record:
    """A machine at a customer's."""
    return {
        "Name": f"{pick(('M100', 'M200', 'M300'), bits)}-{place}",
        "Serial_Number__c": f"SN-{place}",
        "Hours_Run__c": (bits >> 16) % 100_000 / 10,
        "Installed_On__c": seeder.created_day(place),
        "State__c": pick(("running", "maintenance", "retired"), bits >> 8),
        "Account__c": seeder.refer("Account", place),
    }


def history(place: int, bits: int, seeder: Seeder) -> Record:
    """A change of a contact's title."""
    return {
        "ContactId": seeder.refer("Contact", place),
        "Field": "Title",
        "OldValue": pick(words.TITLES, bits),
        "NewValue": pick(words.TITLES, bits >> 8),
    }
