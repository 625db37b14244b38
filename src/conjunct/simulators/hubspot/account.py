"""The simulated account's objects and their properties: facts only."""

from __future__ import annotations

from conjunct.simulators.hubspot.definitions import ObjectType, Property

_YES_NO = (("true", "Yes"), ("false", "No"))
LIFECYCLE = (
    ("subscriber", "Subscriber"),
    ("lead", "Lead"),
    ("marketingqualifiedlead", "Marketing Qualified Lead"),
    ("salesqualifiedlead", "Sales Qualified Lead"),
    ("opportunity", "Opportunity"),
    ("customer", "Customer"),
    ("evangelist", "Evangelist"),
    ("other", "Other"),
)
LEAD_STATUS = (("NEW", "New"), ("OPEN", "Open"), ("IN_PROGRESS", "In Progress"), ("CONNECTED", "Connected"))
INTERESTS = (("api", "API"), ("reporting", "Reporting"), ("automation", "Automation"))
INDUSTRIES = (
    ("COMPUTER_SOFTWARE", "Computer Software"),
    ("RETAIL", "Retail"),
    ("BANKING", "Banking"),
    ("MACHINERY", "Machinery"),
    ("HOSPITAL_HEALTH_CARE", "Hospital & Health Care"),
)
DEAL_STAGES = (
    ("appointmentscheduled", "Appointment Scheduled"),
    ("qualifiedtobuy", "Qualified To Buy"),
    ("contractsent", "Contract Sent"),
    ("closedwon", "Closed Won"),
    ("closedlost", "Closed Lost"),
)
DEAL_TYPES = (("newbusiness", "New Business"), ("existingbusiness", "Existing Business"))
TICKET_STAGES = (("1", "New"), ("2", "Waiting on contact"), ("3", "Waiting on us"), ("4", "Closed"))
PRIORITIES = (("LOW", "Low"), ("MEDIUM", "Medium"), ("HIGH", "High"))
MACHINE_STATES = (("running", "Running"), ("maintenance", "Maintenance"), ("retired", "Retired"))


def _text(name: str, label: str, field_type: str = "text", *, unique: bool = False, custom: bool = False) -> Property:
    return Property(name, label, "string", field_type, unique=unique, custom=custom)


def _number(name: str, label: str, *, custom: bool = False) -> Property:
    return Property(name, label, "number", "number", custom=custom)


def _choice(
    name: str, label: str, options: tuple[tuple[str, str], ...], field_type: str = "select", *, custom: bool = False
) -> Property:
    return Property(name, label, "enumeration", field_type, options, custom=custom)


def _reference(name: str, label: str, target: str) -> Property:
    return Property(name, label, "number", "number", refers_to=target)


def _system(stamp: str, created: str = "createdate") -> tuple[Property, ...]:
    return (
        Property(created, "Create Date", "datetime", "date", read_only=True),
        Property("hs_object_id", "Record ID", "number", "number", read_only=True),
        Property(stamp, "Last Modified Date", "datetime", "date", read_only=True),
    )


CONTACTS = ObjectType(
    name="contacts",
    singular="contact",
    label="Contact",
    type_id="0-1",
    first_id=171_591_000_001,
    share=1,
    stamp="lastmodifieddate",
    default=("createdate", "email", "firstname", "hs_object_id", "lastmodifieddate", "lastname"),
    searchable=("firstname", "lastname", "email", "phone", "company"),
    touched="jobtitle",
    unique="email",
    properties=(
        *_system("lastmodifieddate"),
        _text("email", "Email", unique=True),
        _text("firstname", "First Name"),
        _text("lastname", "Last Name"),
        _text("phone", "Phone Number", "phonenumber"),
        _text("company", "Company Name"),
        _text("jobtitle", "Job Title"),
        _text("website", "Website URL"),
        _text("address", "Street Address"),
        _text("city", "City"),
        _text("country", "Country/Region"),
        _choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE, "radio"),
        _choice("hs_lead_status", "Lead Status", LEAD_STATUS, "radio"),
        _number("annualrevenue", "Annual Revenue"),
        Property("hs_email_optout", "Unsubscribed from all email", "bool", "booleancheckbox", _YES_NO),
        _reference("associatedcompanyid", "Primary Associated Company ID", "COMPANY"),
        Property("birthday", "Birthday", "date", "date", custom=True),
        _choice("interests", "Interests", INTERESTS, "checkbox", custom=True),
    ),
)

COMPANIES = ObjectType(
    name="companies",
    singular="company",
    label="Company",
    type_id="0-2",
    first_id=29_013_000_001,
    share=10,
    stamp="hs_lastmodifieddate",
    default=("createdate", "domain", "hs_lastmodifieddate", "hs_object_id", "name"),
    searchable=("name", "domain", "phone", "city"),
    touched="industry",
    properties=(
        *_system("hs_lastmodifieddate"),
        _text("name", "Company name"),
        _text("domain", "Company Domain Name"),
        _text("phone", "Phone Number", "phonenumber"),
        _text("city", "City"),
        _text("country", "Country/Region"),
        _choice("industry", "Industry", INDUSTRIES),
        _number("numberofemployees", "Number of Employees"),
        _number("annualrevenue", "Annual Revenue"),
        _choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE, "radio"),
    ),
)

DEALS = ObjectType(
    name="deals",
    singular="deal",
    label="Deal",
    type_id="0-3",
    first_id=38_020_000_001,
    share=5,
    stamp="hs_lastmodifieddate",
    default=(
        "amount",
        "closedate",
        "createdate",
        "dealname",
        "dealstage",
        "hs_lastmodifieddate",
        "hs_object_id",
        "pipeline",
    ),
    searchable=("dealname", "description"),
    touched="dealstage",
    properties=(
        *_system("hs_lastmodifieddate"),
        _text("dealname", "Deal Name"),
        _text("description", "Deal Description", "textarea"),
        _number("amount", "Amount"),
        Property("closedate", "Close Date", "datetime", "date"),
        _choice("pipeline", "Pipeline", (("default", "Sales Pipeline"),)),
        _choice("dealstage", "Deal Stage", DEAL_STAGES, "radio"),
        _choice("dealtype", "Deal Type", DEAL_TYPES, "radio"),
    ),
)

TICKETS = ObjectType(
    name="tickets",
    singular="ticket",
    label="Ticket",
    type_id="0-5",
    first_id=31_700_000_001,
    share=20,
    stamp="hs_lastmodifieddate",
    default=(
        "content",
        "createdate",
        "hs_lastmodifieddate",
        "hs_object_id",
        "hs_pipeline",
        "hs_pipeline_stage",
        "hs_ticket_priority",
        "subject",
    ),
    searchable=("subject", "content"),
    touched="hs_pipeline_stage",
    properties=(
        *_system("hs_lastmodifieddate"),
        _text("subject", "Ticket name"),
        _text("content", "Ticket description", "textarea"),
        _choice("hs_pipeline", "Pipeline", (("0", "Support Pipeline"),)),
        _choice("hs_pipeline_stage", "Ticket status", TICKET_STAGES),
        _choice("hs_ticket_priority", "Priority", PRIORITIES),
    ),
)

MACHINES = ObjectType(
    name="machines",
    singular="machine",
    label="Machine",
    type_id="2-3465404",
    first_id=6_120_000_001,
    share=10,
    stamp="hs_lastmodifieddate",
    default=("hs_createdate", "hs_lastmodifieddate", "hs_object_id"),
    searchable=("serial_number", "model"),
    touched="state",
    unique="serial_number",
    custom=True,
    required=("serial_number",),
    secondary=("model",),
    properties=(
        *_system("hs_lastmodifieddate", "hs_createdate"),
        _text("serial_number", "Serial number", unique=True, custom=True),
        _text("model", "Model", custom=True),
        _choice("state", "State", MACHINE_STATES, custom=True),
        _number("hours_run", "Hours run", custom=True),
        Property("installed_on", "Installed on", "date", "date", custom=True),
    ),
)

OBJECT_TYPES = (CONTACTS, COMPANIES, DEALS, TICKETS, MACHINES)
