"""How Salesforce describes an object and its fields."""

from __future__ import annotations

from typing import Any

from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.definitions import COMPOUND, Field, ObjectType
from conjunct.simulators.salesforce.store import Records

_SOAP = {
    "id": "tns:ID",
    "reference": "tns:ID",
    "boolean": "xsd:boolean",
    "int": "xsd:int",
    "double": "xsd:double",
    "currency": "xsd:double",
    "percent": "xsd:double",
    "date": "xsd:date",
    "datetime": "xsd:dateTime",
    "address": "urn:address",
}


def summary(kind: ObjectType, base: str) -> dict[str, Any]:
    """An object as the list of all objects tells it."""
    name = kind.name
    return {
        "activateable": False,
        "createable": kind.createable,
        "custom": kind.custom,
        "customSetting": False,
        "deepCloneable": False,
        "deletable": kind.deletable,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "hasSubtypes": False,
        "isInterface": False,
        "isSubtype": False,
        "keyPrefix": kind.prefix,
        "label": kind.label,
        "labelPlural": kind.plural,
        "layoutable": True,
        "mergeable": name in ("Account", "Contact", "Lead"),
        "mruEnabled": True,
        "name": name,
        "queryable": True,
        "replicateable": True,
        "retrieveable": True,
        "searchable": bool(kind.searchable),
        "triggerable": True,
        "undeletable": kind.deletable,
        "updateable": kind.createable,
        "urls": {
            "rowTemplate": f"{base}/sobjects/{name}/{{ID}}",
            "describe": f"{base}/sobjects/{name}/describe",
            "sobject": f"{base}/sobjects/{name}",
        },
    }


def describe(database: Database, records: Records, base: str) -> dict[str, Any]:
    """An object with its fields and who refers to it."""
    return summary(records.kind, base) | {
        "actionOverrides": [],
        "childRelationships": [
            {
                "cascadeDelete": False,
                "childSObject": other.kind.name,
                "deprecatedAndHidden": False,
                "field": item.name,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": name,
                "restrictedDelete": False,
            }
            for name, other, item in database.children(records)
        ],
        "compactLayoutable": True,
        "fields": [describe_field(item, records.kind) for item in records.fields.values()],
        "recordTypeInfos": [],
        "supportedScopes": [{"label": "All", "name": "everything"}],
    }


def describe_field(item: Field, kind: ObjectType) -> dict[str, Any]:
    """A field with all that Salesforce tells of it."""
    numeric = item.precision > 0
    return {
        "aggregatable": item.filterable,
        "aiPredictionField": False,
        "autoNumber": item.auto_number,
        "byteLength": item.length * 3 if item.type != "id" else item.length,
        "calculated": item.calculated,
        "calculatedFormula": None,
        "cascadeDelete": False,
        "caseSensitive": False,
        "compoundFieldName": item.compound,
        "controllerName": None,
        "createable": item.createable,
        "custom": item.custom,
        "defaultValue": item.default,
        "defaultValueFormula": None,
        "defaultedOnCreate": _is_filled(item),
        "dependentPicklist": False,
        "deprecatedAndHidden": False,
        "digits": item.precision if item.type == "int" else 0,
        "displayLocationInDecimal": False,
        "encrypted": False,
        "externalId": item.external_id,
        "extraTypeInfo": "plaintextarea" if item.type == "textarea" else None,
        "filterable": item.filterable,
        "filteredLookupInfo": None,
        "formulaTreatNullNumberAsZero": False,
        "groupable": item.filterable and item.type not in ("double", "currency", "percent", "datetime"),
        "highScaleNumber": False,
        "htmlFormatted": False,
        "idLookup": item.type == "id" or item.external_id or item.type == "email",
        "inlineHelpText": item.help,
        "label": label(item),
        "length": item.length,
        "mask": None,
        "maskType": None,
        "name": item.name,
        "nameField": item.name == kind.name_field,
        "namePointing": len(item.refers_to) > 1,
        "nillable": not item.required and item.type not in ("boolean", "id") and not _is_stamp(item),
        "permissionable": not item.required and item.writable,
        "picklistValues": [
            {"active": True, "defaultValue": value == item.default, "label": shown, "validFor": None, "value": value}
            for value, shown in item.options
        ],
        "polymorphicForeignKey": len(item.refers_to) > 1,
        "precision": item.precision if item.type != "int" and numeric else 0,
        "queryByDistance": False,
        "referenceTargetField": None,
        "referenceTo": list(item.refers_to),
        "relationshipName": item.parent,
        "relationshipOrder": None,
        "restrictedDelete": False,
        "restrictedPicklist": item.restricted,
        "scale": item.scale,
        "searchPrefilterable": item.type == "reference",
        "soapType": _SOAP.get(item.type, "xsd:string"),
        "sortable": item.filterable,
        "type": item.type,
        "unique": item.unique,
        "updateable": item.updateable,
        "writeRequiresMasterRead": False,
    }


def label(item: Field) -> str:
    """What users call the field: `AccountId` is `Account ID`."""
    if item.label:
        return item.label
    name = item.name.removesuffix("__c").replace("_", " ")
    spaced = "".join(f" {letter}" if letter.isupper() and place else letter for place, letter in enumerate(name))
    return spaced.removesuffix(" Id") + " ID" if spaced.endswith(" Id") else spaced


def _is_stamp(item: Field) -> bool:
    return item.type not in COMPOUND and item.name in (
        "CreatedDate", "CreatedById", "LastModifiedDate", "LastModifiedById", "SystemModstamp", "OwnerId", "IsDeleted",
    )  # fmt: skip


def _is_filled(item: Field) -> bool:
    return item.default is not None or item.type in ("boolean", "id") or item.auto_number or _is_stamp(item)
