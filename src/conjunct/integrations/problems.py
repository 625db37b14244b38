"""What can be wrong with a deploy."""

from __future__ import annotations

from conjunct.core.problems import Conflict, NotFound, Unprocessable


class IntegrationNotFound(NotFound):
    """There is no such integration in the project."""

    slug = "integration-not-found"
    title = "There is no such integration"

    def __init__(self, id_or_name: str) -> None:
        super().__init__(
            f"There is no integration {id_or_name!r} in this project.",
            remedy="Check the integration's id or name; listIntegrations shows them.",
        )


class RevisionNotFound(NotFound):
    """The integration has no such revision."""

    slug = "revision-not-found"
    title = "There is no such revision"

    def __init__(self, revision_id: str) -> None:
        super().__init__(
            f"The integration has no revision {revision_id!r}.",
            remedy="Check the revision's id; listRevisions shows them.",
        )


class AlreadyLatest(Conflict):
    """A rollback names the revision that is in force."""

    slug = "revision-already-latest"
    title = "That revision is in force already"


class IntegrationExists(Conflict):
    """Another integration has that name already."""

    slug = "integration-exists"
    title = "There is an integration of that name"


class ProviderChanged(Unprocessable):
    """A revision is for another provider than the integration."""

    slug = "integration-provider-changed"
    title = "An integration stays with its provider"


class SourceInvalid(Unprocessable):
    """The source of a deploy cannot be used."""

    slug = "source-invalid"
    title = "The source of the deploy cannot be used"


class UploadRefused(Unprocessable):
    """An upload does not keep to what its signed URL allows."""

    slug = "upload-refused"
    title = "The upload is not what its URL was made for"
