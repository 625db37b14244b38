"""Custom fields of a customer's objects, created and changed for the builder."""

from conjunct.installations.fields.endpoints import router
from conjunct.installations.fields.problems import FieldsInvalid, FieldsNotPermitted, FieldsProviderFailed

__all__ = ["router", "FieldsInvalid", "FieldsNotPermitted", "FieldsProviderFailed"]
