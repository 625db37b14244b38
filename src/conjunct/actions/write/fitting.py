"""Whether what is asked fits the installation: its manifest writes the object, its config lets it be deleted."""

from __future__ import annotations

from dataclasses import dataclass

from conjunct.actions.write.problems import WriteNotAllowed
from conjunct.actions.write.schemas import WriteRequest
from conjunct.core.problems import Issue
from conjunct.installations import InstallationState, WriteConfigObject
from conjunct.manifests import IntegrationWriteObject, find_write_object, write_objects


@dataclass(frozen=True, slots=True)
class AcceptedWrite:
    """A write that may be done: by whom it is declared, what the group chose for it, and what is asked."""

    state: InstallationState
    declared: IntegrationWriteObject
    config: WriteConfigObject
    request: WriteRequest

    @property
    def object_name(self) -> str:
        """The provider's name of the object."""
        return self.declared.object_name


def accepted(state: InstallationState, object_name: str, request: WriteRequest) -> AcceptedWrite:
    """The write, if the installation allows it; raises WriteNotAllowed."""
    declared = find_write_object(state.integration, object_name)
    if declared is None:
        known = ", ".join(each.object_name for each in write_objects(state.integration)) or "none"
        raise WriteNotAllowed(
            f"The integration does not write {object_name!r}.",
            remedy=f"Name one of the objects it writes ({known}), or add the object to the manifest.",
            issues=[
                Issue("objectName", f"the integration writes {known}, not this", location="path", value=object_name)
            ],
        )
    config = _config(state, declared)
    deletion = config.deletion_settings
    if request.type == "delete" and not (deletion and deletion.enabled):
        raise WriteNotAllowed(
            f"Records of {object_name!r} may not be deleted in this installation.",
            remedy="Set `deletionSettings.enabled` to true in the object's write config.",
            issues=[Issue("type", "deletion is not enabled for this object in the installation's config")],
        )
    return AcceptedWrite(state, declared, config, request)


def _config(state: InstallationState, declared: IntegrationWriteObject) -> WriteConfigObject:
    """What the group chose for the object, by whichever of its names."""
    chosen = state.content.write.objects if state.content.write else {}
    for key, config in chosen.items():
        if find_write_object(state.integration, config.object_name or key) == declared:
            return config
    return WriteConfigObject()
