"""Where at the provider the customer's account is: the workspace and the other facts that addresses are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from conjunct.connections.schemas import MetadataEntry
from conjunct.connectors.addresses import InvalidInputs, checked_inputs
from conjunct.connectors.definition import Definition

WORKSPACE = "workspace"
"""The input of a provider that `providerWorkspaceRef` gives."""


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of the account: `providerWorkspaceRef` and `providerMetadata` as on the wire.

    The workspace may stand in either; when both have it, `providerWorkspaceRef` counts.
    """

    workspace_ref: str | None = None
    metadata: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def inputs(self) -> dict[str, str]:
        """The provider's inputs by name."""
        inputs = {name: entry["value"] for name, entry in (self.metadata or {}).items()}
        return {**inputs, WORKSPACE: self.workspace_ref} if self.workspace_ref else inputs

    def with_workspace(self, workspace_ref: str | None) -> Account:
        """The account with this workspace; an empty one is none."""
        return replace(self, workspace_ref=workspace_ref or None)

    def with_metadata(self, metadata: Mapping[str, MetadataEntry] | None) -> Account:
        """The account with this metadata in place of all that it had, and with the workspace if that is in it."""
        entries = {name: entry.model_dump(by_alias=True, exclude_none=True) for name, entry in (metadata or {}).items()}
        workspace_ref = entries[WORKSPACE]["value"] if WORKSPACE in entries else self.workspace_ref
        return Account(workspace_ref or None, entries or None)

    def fitting(self, definition: Definition, *, at: str = "", optional: frozenset[str] = frozenset()) -> Account:
        """The account with the provider's inputs checked and trimmed; `at` goes before names in issues.

        Inputs in `optional` may still be missing.

        Raises:
            InvalidInputs: an input that the provider needs is missing or is not what it must be, an issue for each.
        """
        try:
            checked = checked_inputs(definition, self.inputs, optional=optional)
        except InvalidInputs as problem:
            issues = [replace(issue, name=at + _on_the_wire(issue.name)) for issue in problem.issues]
            faults = "; ".join(f"{issue.name}: {issue.detail}" for issue in issues)
            raise InvalidInputs(
                f"{definition.display} cannot be reached with what is given: {faults}.",
                remedy="Give what the provider asks for; its catalog entry lists it.",
                issues=issues,
            ) from None
        values = {**self.inputs, **checked}
        metadata = self.metadata and {name: {**entry, "value": values[name]} for name, entry in self.metadata.items()}
        return Account(values.get(WORKSPACE), metadata)


def _on_the_wire(name: str) -> str:
    return "providerWorkspaceRef" if name == WORKSPACE else f"providerMetadata.{name}.value"
