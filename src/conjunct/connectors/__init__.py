"""What a provider definition is, and the engine that runs one."""

from conjunct.connectors.auth import ApiKey, Basic, Bearer, Credentials, CustomSecrets, UnusableCredentials
from conjunct.connectors.client import Connector, UnknownModule
from conjunct.connectors.definition import Definition
from conjunct.connectors.errors import CursorLoop, ErrorKind, ProviderError
from conjunct.connectors.field_plans import DraftFault, FieldDraft, FieldsNotSupported
from conjunct.connectors.field_upserts import FieldResult, ObjectFields
from conjunct.connectors.loader import InvalidDefinition, load_definition
from conjunct.connectors.page_tokens import BadPageToken
from conjunct.connectors.paging import LoopGuard
from conjunct.connectors.plans import HttpRequest, ReadNotSupported, UnknownObject
from conjunct.connectors.query import (
    ALL_FIELDS,
    Associated,
    FailedRecord,
    FieldMetadata,
    FieldValue,
    ObjectSchema,
    Page,
    ReadQuery,
    Record,
)
from conjunct.connectors.quirks import Quirks
from conjunct.connectors.search_definition import Operator
from conjunct.connectors.searching import Condition, SearchNotSupported, SearchQuery
from conjunct.connectors.supports import ObjectSupport, Support, object_support, support
from conjunct.connectors.traffic import Traffic
from conjunct.connectors.transport import EgressTransport, Transport
from conjunct.connectors.write_query import (
    WriteEntry,
    WriteFault,
    WriteInterrupted,
    WriteManner,
    WriteNotSupported,
    WriteQuery,
    WriteState,
    WriteType,
    Written,
)

__all__ = [
    "load_definition",
    "Definition",
    "InvalidDefinition",
    "support",
    "Support",
    "object_support",
    "ObjectSupport",
    "Connector",
    "Transport",
    "HttpRequest",
    "EgressTransport",
    "Credentials",
    "ApiKey",
    "Basic",
    "Bearer",
    "CustomSecrets",
    "UnusableCredentials",
    "ReadQuery",
    "ALL_FIELDS",
    "Page",
    "Record",
    "Associated",
    "FailedRecord",
    "LoopGuard",
    "CursorLoop",
    "Traffic",
    "ObjectSchema",
    "FieldMetadata",
    "FieldValue",
    "ObjectFields",
    "FieldDraft",
    "DraftFault",
    "FieldResult",
    "FieldsNotSupported",
    "Quirks",
    "ProviderError",
    "ErrorKind",
    "UnknownModule",
    "UnknownObject",
    "ReadNotSupported",
    "SearchQuery",
    "Condition",
    "Operator",
    "SearchNotSupported",
    "WriteQuery",
    "WriteEntry",
    "WriteType",
    "Written",
    "WriteState",
    "WriteFault",
    "WriteInterrupted",
    "WriteManner",
    "WriteNotSupported",
    "BadPageToken",
]
