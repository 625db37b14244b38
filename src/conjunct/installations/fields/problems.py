"""What can stand against creating or changing fields. The specification has no 422 and no 503 for this operation."""

from __future__ import annotations

from conjunct.core.problems import Forbidden, InvalidRequest, Problem


class FieldsInvalid(InvalidRequest):
    """Some of the fields cannot be made; `issues` holds every fault, and nothing was changed."""

    slug = "fields-invalid"
    title = "The fields cannot be created or changed"


class FieldsNotPermitted(Forbidden):
    """The customer's credentials are not good for creating or changing fields; nothing was changed."""

    slug = "fields-not-permitted"
    title = "The customer's credentials may not create or change fields"


class FieldsProviderFailed(Problem):
    """The provider did not do what it should; no field was changed."""

    slug = "fields-provider-failed"
    title = "The provider did not answer as it should"
