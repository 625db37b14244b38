"""The simulated org itself: its users, and who may see what."""

from __future__ import annotations

from conjunct.simulators.salesforce.definitions import Field, ObjectType, Record
from conjunct.simulators.salesforce.fields import (
    choice,
    email,
    flag,
    person_name,
    read_only,
    reference,
    system,
    text,
)

_USERS = (
    ("Ada", "Lovelace", "admin@example.com"),
    ("Grace", "Hopper", "grace@example.com"),
    ("Alan", "Turing", "alan@example.com"),
)


def _user(place: int, _bits: int, _seeder: object) -> Record:
    first, last, address = _USERS[place]
    return {
        "FirstName": first,
        "LastName": last,
        "Username": address,
        "Email": address,
        "Alias": first.lower(),
        "IsActive": True,
        "UserType": "Standard",
        "TimeZoneSidKey": "Europe/Berlin",
        "ProfileId": "00e5e000000Q0u0AAC",
    }


def _organization(_place: int, _bits: int, _seeder: object) -> Record:
    return {
        "Name": "Example",
        "OrganizationType": "Developer Edition",
        "InstanceName": "DEU50",
        "IsSandbox": False,
        "LanguageLocaleKey": "en_US",
    }


def _derive_user(record: Record) -> None:
    first, last = record.get("FirstName"), record.get("LastName")
    record["Name"] = f"{first} {last}" if first and last else last or first


USER = ObjectType(
    "User", "005", "User", "Users",
    (
        *(item for item in system(owner=False) if item.name != "IsDeleted"),
        *person_name(),
        Field("Username", "string", length=80, required=True, unique=True),
        email("Email"),
        text("Alias", 8, required=True),
        flag("IsActive", default=True),
        choice("UserType", "Standard", "PowerPartner"),
        text("TimeZoneSidKey", 40),
        read_only("ProfileId", "id", 18),
    ),
    fixed=len(_USERS),
    make=_user,
    derive=_derive_user,
    searchable=("Name", "Username", "Email"),
    touched=("TimeZoneSidKey", ("Europe/Berlin", "Europe/Lisbon", "Asia/Tokyo")),
    deletable=False,
)  # fmt: skip

ORGANIZATION = ObjectType(
    "Organization", "00D", "Organization", "Organizations",
    (
        *(item for item in system(owner=False) if item.name != "IsDeleted"),
        text("Name", 80),
        text("OrganizationType", 40),
        text("InstanceName", 5),
        read_only("IsSandbox", "boolean", default=False),
        text("LanguageLocaleKey", 40),
    ),
    fixed=1,
    make=_organization,
    searchable=(),
    createable=False,
    deletable=False,
)  # fmt: skip

PERMISSION_SET = ObjectType(
    "PermissionSet", "0PS", "Permission Set", "Permission Sets",
    (
        *(item for item in system(owner=False) if item.name != "IsDeleted"),
        Field("Name", "string", "Permission Set Name", 80, required=True, unique=True),
        text("Label", 80, required=True),
        text("Description", 255),
        read_only("IsOwnedByProfile", "boolean", default=False),
        read_only("IsCustom", "boolean", default=True),
        flag("PermissionsApiEnabled"),
    ),
    share=None,
    searchable=(),
)  # fmt: skip

FIELD_PERMISSIONS = ObjectType(
    "FieldPermissions", "01k", "Field Permissions", "Field Permissions",
    (
        read_only("Id", "id", 18),
        reference("ParentId", "PermissionSet", children="FieldPerms", required=True),
        text("SobjectType", 255, required=True),
        text("Field", 255, required=True),
        flag("PermissionsRead"),
        flag("PermissionsEdit"),
        read_only("SystemModstamp", "datetime"),
    ),
    share=None,
    name_field=None,
    searchable=(),
    unique_together=("ParentId", "Field"),
)  # fmt: skip

PERMISSION_SET_ASSIGNMENT = ObjectType(
    "PermissionSetAssignment", "0Pa", "Permission Set Assignment", "Permission Set Assignments",
    (
        read_only("Id", "id", 18),
        reference("PermissionSetId", "PermissionSet", children="Assignments", required=True),
        reference("AssigneeId", "User", children="PermissionSetAssignments", required=True),
        read_only("IsActive", "boolean", default=True),
        read_only("SystemModstamp", "datetime"),
    ),
    share=None,
    name_field=None,
    searchable=(),
    unique_together=("PermissionSetId", "AssigneeId"),
)  # fmt: skip

SETUP = (USER, ORGANIZATION, PERMISSION_SET, FIELD_PERMISSIONS, PERMISSION_SET_ASSIGNMENT)

# What the Tooling API alone tells: the definitions themselves.
ENTITY_DEFINITION = ObjectType(
    "EntityDefinition", "4ie", "Entity Definition", "Entity Definitions",
    (
        read_only("Id", "id", 18),
        read_only("DurableId", "string", 255),
        read_only("QualifiedApiName", "string", 255),
        read_only("DeveloperName", "string", 255),
        read_only("Label", "string", 255),
    ),
    share=None,
    name_field="DeveloperName",
    searchable=(),
    createable=False,
    deletable=False,
)  # fmt: skip

CUSTOM_FIELD = ObjectType(
    "CustomField", "00N", "Custom Field", "Custom Fields",
    (
        *(item for item in system(owner=False) if item.name != "IsDeleted"),
        text("TableEnumOrId", 255),
        text("DeveloperName", 255),
        text("NamespacePrefix", 15),
        text("FullName", 255),
        reference("EntityDefinitionId", "EntityDefinition", children="CustomFields"),
        Field("Metadata", "complexvalue", createable=False, updateable=False),
        Field("Length", "int", precision=8),
    ),
    share=None,
    name_field="DeveloperName",
    searchable=(),
)  # fmt: skip

TOOLING = (ENTITY_DEFINITION, CUSTOM_FIELD)
