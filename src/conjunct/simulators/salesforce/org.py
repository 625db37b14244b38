"""The simulated org's objects of sales and service: facts only."""

from __future__ import annotations

from conjunct.simulators.salesforce import deriving, making
from conjunct.simulators.salesforce.definitions import Field, ObjectType
from conjunct.simulators.salesforce.fields import (
    address,
    choice,
    email,
    flag,
    long_text,
    number,
    person_name,
    phone,
    read_only,
    reference,
    system,
    text,
)
from conjunct.simulators.salesforce.words import INDUSTRIES, LEAD_SOURCES, RATINGS, STAGES, TITLES

ACCOUNT = ObjectType(
    "Account", "001", "Account", "Accounts",
    (
        *system(),
        text("Name", 255, "Account Name", required=True),
        choice("Type", "Prospect", "Customer - Direct", "Channel Partner", "Other"),
        reference("ParentId", "Account", children="ChildAccounts"),
        *address("Billing"),
        *address("Shipping"),
        phone("Phone"),
        Field("Website", "url", length=255),
        choice("Industry", *INDUSTRIES),
        choice("Rating", *RATINGS),
        number("AnnualRevenue", "currency"),
        number("NumberOfEmployees", "int", 8),
        long_text("Description"),
        text("AccountNumber", 40),
        Field("External_Id__c", "string", "External Id", 64, unique=True, external_id=True),
    ),
    share=10,
    make=making.account,
    derive=deriving.account,
    touched=("Industry", INDUSTRIES),
    searchable=("Name", "Phone", "Website"),
)  # fmt: skip

CONTACT = ObjectType(
    "Contact", "003", "Contact", "Contacts",
    (
        *system(),
        reference("AccountId", "Account", children="Contacts"),
        *person_name(),
        choice("Salutation", "Mr.", "Ms.", "Mrs.", "Dr.", "Prof."),
        *address("Mailing"),
        phone("Phone"),
        phone("MobilePhone"),
        email("Email"),
        text("Title", 128),
        text("Department", 80),
        choice("LeadSource", *LEAD_SOURCES),
        reference("ReportsToId", "Contact", parent="ReportsTo"),
        Field("Birthdate", "date"),
        long_text("Description"),
        flag("HasOptedOutOfEmail"),
        flag("DoNotCall"),
        Field("External_Id__c", "string", "External Id", 64, unique=True, external_id=True),
        Field("Score__c", "double", "Score", precision=18, scale=2),
        Field("Interests__c", "multipicklist", "Interests", 4099, restricted=True,
              options=(("API", "API"), ("Reporting", "Reporting"), ("Automation", "Automation"))),
    ),
    make=making.contact,
    derive=deriving.person("Mailing"),
    touched=("Title", TITLES),
    searchable=("Name", "Email", "Phone", "Title"),
)  # fmt: skip

LEAD = ObjectType(
    "Lead", "00Q", "Lead", "Leads",
    (
        *system(),
        *person_name(),
        text("Title", 128),
        text("Company", 255, required=True),
        *address(""),
        phone("Phone"),
        email("Email"),
        choice("LeadSource", *LEAD_SOURCES),
        Field("Status", "picklist", length=255, default="Open - Not Contacted", options=tuple(
            (status, status) for status in ("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"))),
        choice("Rating", *RATINGS),
        choice("Industry", *INDUSTRIES),
        read_only("IsConverted", "boolean", default=False),
        long_text("Description"),
    ),
    share=5,
    make=making.lead,
    derive=deriving.person(""),
    touched=("Rating", RATINGS),
    searchable=("Name", "Company", "Email", "Phone"),
)  # fmt: skip

OPPORTUNITY = ObjectType(
    "Opportunity", "006", "Opportunity", "Opportunities",
    (
        *system(),
        reference("AccountId", "Account", children="Opportunities"),
        text("Name", 120, "Opportunity Name", required=True),
        long_text("Description"),
        choice("StageName", *STAGES, required=True),
        number("Amount", "currency", scale=2),
        number("Probability", "percent", 3),
        Field("CloseDate", "date", required=True),
        choice("Type", "Existing Business", "New Business"),
        choice("LeadSource", *LEAD_SOURCES),
        read_only("IsClosed", "boolean", default=False),
        read_only("IsWon", "boolean", default=False),
    ),
    share=5,
    make=making.opportunity,
    derive=deriving.opportunity,
    touched=("StageName", STAGES),
)  # fmt: skip

OPPORTUNITY_CONTACT_ROLE = ObjectType(
    "OpportunityContactRole", "00K", "Opportunity Contact Role", "Opportunity Contact Roles",
    (
        *system(owner=False),
        reference("OpportunityId", "Opportunity", children="OpportunityContactRoles", required=True),
        reference("ContactId", "Contact", children="OpportunityContactRoles", required=True),
        choice("Role", "Decision Maker", "Evaluator", "Executive Sponsor"),
        flag("IsPrimary"),
    ),
    share=5,
    make=making.contact_role,
    name_field=None,
    searchable=(),
    touched=("Role", ("Decision Maker", "Evaluator", "Executive Sponsor")),
)  # fmt: skip

CASE = ObjectType(
    "Case", "500", "Case", "Cases",
    (
        *system(),
        Field("CaseNumber", "string", length=30, createable=False, updateable=False, auto_number=True),
        reference("ContactId", "Contact", children="Cases"),
        reference("AccountId", "Account", children="Cases"),
        text("Subject", 255),
        long_text("Description"),
        Field("Status", "picklist", length=255, default="New", options=tuple(
            (status, status) for status in ("New", "Working", "Escalated", "Closed"))),
        choice("Priority", "High", "Medium", "Low"),
        choice("Origin", "Phone", "Email", "Web"),
        read_only("IsClosed", "boolean", default=False),
    ),
    share=20,
    make=making.case,
    derive=deriving.case,
    name_field="CaseNumber",
    searchable=("CaseNumber", "Subject"),
    touched=("Priority", ("High", "Medium", "Low")),
)  # fmt: skip


def _activity(name: str, prefix: str, plural: str, *fields: Field) -> ObjectType:
    return ObjectType(
        name, prefix, name, plural,
        (
            *system(),
            reference("WhoId", "Contact", "Lead", children=plural),
            reference("WhatId", "Account", "Opportunity", "Case", children=plural),
            text("Subject", 255),
            long_text("Description"),
            *fields,
        ),
        share=20,
        make=making.activity(name),
        name_field="Subject",
        searchable=("Subject",),
        touched=("Subject", ("Call", "Email", "Meeting", "Send quote")),
    )  # fmt: skip


TASK = _activity(
    "Task", "00T", "Tasks",
    Field("Status", "picklist", length=255, default="Not Started", options=tuple(
        (status, status) for status in ("Not Started", "In Progress", "Completed"))),
    choice("Priority", "High", "Normal", "Low"),
    Field("ActivityDate", "date"),
)  # fmt: skip

EVENT = _activity(
    "Event", "00U", "Events",
    Field("StartDateTime", "datetime", required=True),
    Field("EndDateTime", "datetime", required=True),
    text("Location", 255),
)  # fmt: skip

MACHINE = ObjectType(
    "Machine__c", "a00", "Machine", "Machines",
    (
        *system(),
        text("Name", 80, "Machine Name"),
        Field("Serial_Number__c", "string", "Serial Number", 64, required=True, unique=True, external_id=True),
        Field("Hours_Run__c", "double", "Hours Run", precision=12, scale=1),
        Field("Installed_On__c", "date", "Installed On"),
        Field("State__c", "picklist", "State", 255, restricted=True,
              options=(("running", "Running"), ("maintenance", "Maintenance"), ("retired", "Retired"))),
        Field("Account__c", "reference", "Account", 18, refers_to=("Account",), parent="Account__r",
              children="Machines__r"),
    ),
    share=10,
    make=making.machine,
    touched=("State__c", ("running", "maintenance", "retired")),
)  # fmt: skip

# A record of a change is written once: it has the moment of its creation and no other.
CONTACT_HISTORY = ObjectType(
    "ContactHistory", "03C", "Contact History", "Contact History",
    (
        *system(owner=False, stamps=False),
        reference("ContactId", "Contact", children="Histories"),
        text("Field", 255),
        text("OldValue", 255),
        text("NewValue", 255),
    ),
    make=making.history,
    name_field=None,
    searchable=(),
    createable=False,
    deletable=False,
    stamps=False,
)  # fmt: skip

SALES = (
    ACCOUNT,
    CONTACT,
    LEAD,
    OPPORTUNITY,
    OPPORTUNITY_CONTACT_ROLE,
    CASE,
    TASK,
    EVENT,
    MACHINE,
    CONTACT_HISTORY,
)
