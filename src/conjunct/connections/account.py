"""Where at the provider the customer's account is: the workspace and the other facts that addresses are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from conjunct.connections.custom_values import inputs_among
from conjunct.connections.schemas import MetadataEntry
from conjunct.connectors.addresses import InvalidInputs, checked_inputs
from conjunct.connectors.auth_definition import CustomAuth, OAuth2
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

    def with_inputs_of(self, definition: Definition, custom: Mapping[str, Any] | None) -> Account:
        """The account with inputs of the provider that stand among the values of a custom scheme."""
        auth = definition.auth
        given = inputs_among(definition, auth, custom) if custom and isinstance(auth, CustomAuth) else {}
        entries = {name: {"value": value, "source": "input"} for name, value in given.items() if name != WORKSPACE}
        workspace_ref = given.get(WORKSPACE) or self.workspace_ref
        return Account(workspace_ref, {**(self.metadata or {}), **entries} or None)

    def with_facts(
        self,
        facts: Mapping[str, str],
        source: Literal["token", "provider"],
        *,
        definition: Definition,
        labels: Mapping[str, str | None],
    ) -> Account:
        """The account with what the provider tells of it: new facts take the place of what was told before.

        What the customer was asked for stays as they gave it; so does the workspace, once it is known.
        """
        known, entries = self.inputs, dict(self.metadata or {})
        asked = {each.name for each in definition.inputs if each.source == "customer"}
        for name, value in facts.items():
            if name != WORKSPACE and not (name in asked and name in known):
                label = labels.get(name)
                entries[name] = {"value": value, "source": source, **({"displayName": label} if label else {})}
        workspace_ref = self.workspace_ref or known.get(WORKSPACE) or facts.get(WORKSPACE)
        return Account(workspace_ref, entries or None)

    def with_told(self, before: Account) -> Account:
        """The account with what the provider told before, so far as it says nothing of that itself."""
        told = {name: each for name, each in (before.metadata or {}).items() if each["source"] != "input"}
        return replace(self, metadata={**told, **(self.metadata or {})} or None)

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


def told_later(definition: Definition) -> frozenset[str]:
    """The inputs of the customer's that the token endpoint's answer gives, so that nobody is asked for them."""
    auth = definition.auth
    told = isinstance(auth, OAuth2) and auth.from_token.workspace is not None and not auth.workspace_required
    return frozenset({WORKSPACE}) if told else frozenset()


def _on_the_wire(name: str) -> str:
    return "providerWorkspaceRef" if name == WORKSPACE else f"providerMetadata.{name}.value"
