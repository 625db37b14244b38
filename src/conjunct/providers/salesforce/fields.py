"""Fields to be made, in the words of Salesforce's metadata. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from conjunct.connectors.field_plans import SELECTS, FieldDraft

LONGEST_TEXT = 255
LONGEST_LONG_TEXT = 131_072
VISIBLE_LINES = 5
_INDEXED = {"string", "int", "float"}
_CONSTRAINTS = {"cascade": "Cascade", "restrict": "Restrict", "setNull": "SetNull"}


def metadata_facts(draft: FieldDraft) -> FieldDraft:
    """The draft with the facts that the definition's templates name."""
    facts = dict(draft.facts)
    value_type = draft.value_type
    if facts.get("target_object"):
        return replace(draft, facts=_look_up(facts))
    if value_type == "string":
        facts |= _text(facts)
    if value_type in SELECTS and facts.pop("extensible", False):
        facts["restricted"] = False
    if value_type in _INDEXED and facts.pop("indexed", False):
        facts["external_id"] = True
    if value_type not in SELECTS and (default := facts.pop("default", None)) is not None:
        facts["default_value"] = _formula(default)
    return replace(draft, facts=facts)


def _text(facts: dict[str, Any]) -> dict[str, Any]:
    length = facts.get("length") or LONGEST_TEXT
    if length <= LONGEST_TEXT:
        return {"length": length}
    # Text of more than 255 characters is of another type, whose field can neither be unique nor an external id.
    return {
        "kind": "LongTextArea",
        "length": min(length, LONGEST_LONG_TEXT),
        "visible_lines": VISIBLE_LINES,
        "external_id": None,
    }


def _look_up(facts: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in facts.items() if name not in ("default", "length", "options")}
    kept.pop("association", None)
    kept["kind"] = "Lookup"
    if kept.pop("association_required", False):
        kept["required"] = True
    constraint = _CONSTRAINTS.get(str(kept.pop("on_delete", "")))
    if constraint is not None:
        kept["on_delete"] = constraint
    return {"external_id": None, "precision": None, "scale": None, **kept}


def _formula(value: Any) -> str:
    """A default is a formula: texts stand in quotes there."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
