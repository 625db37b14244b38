"""What can stand against a request about installations."""

from __future__ import annotations

from conjunct.core.problems import Conflict, InvalidRequest, NotFound, Unavailable, Unprocessable


class InstallationNotFound(NotFound):
    """There is no such installation of that integration in the project."""

    slug = "installation-not-found"
    title = "There is no such installation"

    def __init__(self, installation_id: str) -> None:
        super().__init__(
            f"There is no installation {installation_id!r} of this integration in this project.",
            remedy="Check the ids of the integration and the installation; listInstallations shows them.",
        )


class InstallationExists(Conflict):
    """The group has installed the integration already."""

    slug = "installation-exists"
    title = "The group has installed this integration already"


class ConnectionUnusable(Unprocessable):
    """The connection is missing, or is not one that this installation can use."""

    slug = "connection-unusable"
    title = "There is no connection that this installation can use"


class ConfigInvalid(Unprocessable):
    """The config does not fit the integration; `issues` holds every fault."""

    slug = "config-invalid"
    title = "The config is not valid"


class SampleRefused(Unprocessable):
    """The provider refused to read one record of what was chosen; `issues` holds its words for each object."""

    slug = "sample-refused"
    title = "The provider refuses to read what was chosen"


class InvalidUpdateMask(InvalidRequest):
    """The update mask names what cannot be updated, or what has no value."""

    slug = "invalid-update-mask"
    title = "The update mask is not valid"


class PatchNotApplicable(InvalidRequest):
    """An operation of a JSON Patch has nothing to work on."""

    slug = "patch-not-applicable"
    title = "The patch cannot be applied"


class ObjectNotConfigured(NotFound):
    """The installation's config does not have the object for that action."""

    slug = "object-not-configured"
    title = "The installation does not have this object"

    def __init__(self, action: str, object_name: str) -> None:
        super().__init__(
            f"The installation's config has no object {object_name!r} to {action}.",
            remedy=f"Name one that it has, or choose it with the mask config.content.{action}.objects.<objectName>.",
        )


class GroupNotInstalled(NotFound):
    """The group has no installation of the integration."""

    slug = "group-not-installed"
    title = "The group has not installed the integration"


class NoConnection(NotFound):
    """The group has no connection to the provider."""

    slug = "no-connection"
    title = "The group has no such connection"


class ProviderRefused(Unprocessable):
    """The provider refuses what was asked of it, in words of its own."""

    slug = "provider-refused"
    title = "The provider refuses that"


class ProviderUnavailable(Unavailable):
    """The provider did not answer, or not as it should, or takes no more requests for now."""

    slug = "provider-unavailable"
    title = "The provider cannot be asked right now"
