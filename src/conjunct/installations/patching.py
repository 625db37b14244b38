"""JSON Patch (RFC 6902) on what a group chose for one object."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch
import jsonpointer

from conjunct.core.problems import Issue
from conjunct.installations.masks import CONTENT, FINDERS, Change, key_in_force
from conjunct.installations.problems import ObjectNotConfigured, PatchNotApplicable
from conjunct.installations.schemas import Action, JsonPatchOperation
from conjunct.manifests import Integration, find_read_object


def apply_patch(
    current: Mapping[str, Any],
    action: Action,
    object_name: str,
    operations: Sequence[JsonPatchOperation],
    integration: Integration,
) -> Change:
    """The change that the operations, one after another, make to an object's config in the content in force.

    `object_name` is the provider's name or the builder's. Raises ObjectNotConfigured, or PatchNotApplicable with the
    first operation that has nothing to work on.
    """
    objects = current.get(action, {}).get("objects", {})
    key, config = _config(objects, action, object_name, integration)
    patched = _patched(config, operations)
    content = {**current, action: {**current.get(action, {}), "objects": {**objects, key: patched}}}
    return Change(content, touched=(f"{CONTENT}.{action}.objects.{key}",))


def _config(
    objects: Mapping[str, Any], action: Action, object_name: str, integration: Integration
) -> tuple[str, Mapping[str, Any]]:
    """Under which key the object's config is kept, and the config."""
    key = key_in_force(objects, object_name, FINDERS[action], integration)
    if key is not None:
        return key, objects[key]
    declared = find_read_object(integration, object_name) if action == "read" else None
    if declared is None or declared.enabled != "always":
        raise ObjectNotConfigured(action, object_name)
    # It is read although nobody chose it; the group begins to choose now.
    name = declared.object_name
    return name, {"objectName": name, "selectedFields": {}, "selectedFieldMappings": {}}


def _patched(config: Mapping[str, Any], operations: Sequence[JsonPatchOperation]) -> Any:
    document: Any = copy.deepcopy(dict(config))
    for position, operation in enumerate(operations):
        try:
            document = jsonpatch.JsonPatch([operation.to_wire()]).apply(document, in_place=True)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
            issue = Issue(f"changes.{position}.path", _words(operation, error), value=operation.path[:200])
            raise PatchNotApplicable(
                f"Operation {position} ({operation.op} {operation.path[:200]}) cannot be applied; nothing was changed.",
                remedy="Take the paths from the object's config as getInstallation shows it.",
                issues=[issue],
            ) from None
    return document


def _words(operation: JsonPatchOperation, error: Exception) -> str:
    """Words of our own: the library's repeat the whole document."""
    if isinstance(error, jsonpatch.JsonPatchPathNotFound):
        return f"There is nothing at this path to {operation.op}"
    if isinstance(error, jsonpatch.JsonPatchException):
        return f"The list does not have this place, or it is not one to {operation.op}"
    return "This path leads through something that is not there, or that is neither an object nor a list"
