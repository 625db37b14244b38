"""The simulated account's main objects and their properties: facts only."""

from __future__ import annotations

from conjunct.simulators.hubspot.definitions import ObjectType, Property
from conjunct.simulators.hubspot.property_makers import choice, number, owner, reference, system, text

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
        *system("lastmodifieddate"),
        owner(),
        text("email", "Email", unique=True),
        text("firstname", "First Name"),
        text("lastname", "Last Name"),
        text("phone", "Phone Number", "phonenumber"),
        text("company", "Company Name"),
        text("jobtitle", "Job Title"),
        text("website", "Website URL"),
        text("address", "Street Address"),
        text("city", "City"),
        text("country", "Country/Region"),
        choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE, "radio"),
        choice("hs_lead_status", "Lead Status", LEAD_STATUS, "radio"),
        number("annualrevenue", "Annual Revenue"),
        Property("hs_email_optout", "Unsubscribed from all email", "bool", "booleancheckbox", _YES_NO),
        reference("associatedcompanyid", "Primary Associated Company ID", "COMPANY"),
        Property("birthday", "Birthday", "date", "date", custom=True),
        choice("interests", "Interests", INTERESTS, "checkbox", custom=True),
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
        *system("hs_lastmodifieddate"),
        owner(),
        text("name", "Company name"),
        text("domain", "Company Domain Name"),
        text("phone", "Phone Number", "phonenumber"),
        text("city", "City"),
        text("country", "Country/Region"),
        choice("industry", "Industry", INDUSTRIES),
        number("numberofemployees", "Number of Employees"),
        number("annualrevenue", "Annual Revenue"),
        choice("lifecyclestage", "Lifecycle Stage", LIFECYCLE, "radio"),
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
        *system("hs_lastmodifieddate"),
        owner(),
        text("dealname", "Deal Name"),
        text("description", "Deal Description", "textarea"),
        number("amount", "Amount"),
        Property("closedate", "Close Date", "datetime", "date"),
        choice("pipeline", "Pipeline", (("default", "Sales Pipeline"),), external=True),
        choice("dealstage", "Deal Stage", DEAL_STAGES, "radio", external=True),
        choice("dealtype", "Deal Type", DEAL_TYPES, "radio"),
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
        *system("hs_lastmodifieddate"),
        owner(),
        text("subject", "Ticket name"),
        text("content", "Ticket description", "textarea"),
        choice("hs_pipeline", "Pipeline", (("0", "Support Pipeline"),), external=True),
        choice("hs_pipeline_stage", "Ticket status", TICKET_STAGES, external=True),
        choice("hs_ticket_priority", "Priority", PRIORITIES),
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
    created="hs_createdate",
    required=("serial_number",),
    secondary=("model",),
    properties=(
        *system("hs_lastmodifieddate", "hs_createdate"),
        text("serial_number", "Serial number", unique=True, custom=True),
        text("model", "Model", custom=True),
        choice("state", "State", MACHINE_STATES, custom=True),
        number("hours_run", "Hours run", custom=True),
        Property("installed_on", "Installed on", "date", "date", custom=True),
    ),
)

MAIN_OBJECTS = (CONTACTS, COMPANIES, DEALS, TICKETS, MACHINES)
