"""Checks keys, types and values one by one, by the models, and says what is wrong in the words of the file's author."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from .faults import MAX_ISSUES, Fault, Path, listed, nearest
from .models import (
    EXISTENT_TAG,
    MAPPING_TAG,
    Construct,
    Integration,
    IntegrationFieldExistent,
    IntegrationFieldMapping,
    Manifest,
)

M = TypeVar("M", bound=Construct)

MAX_DEPTH = 32

_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")

_TYPE_ERRORS = {
    "string_type": "text",
    "bool_type": "true or false",
    "int_type": "a whole number",
    "model_type": "a mapping of keys to values",
    "dict_type": "a mapping of keys to values",
    "tuple_type": "a list",
}


def check_structure(model: type[M], content: Any) -> tuple[M | None, list[Fault]]:
    """The value of `content` as `model`, and every fault of its structure. Without a fault there is a value."""
    faults = list(_check_values(content, (), 0))
    try:
        value = model.model_validate(content)
    except ValidationError as error:
        # More faults than are shown need no words of their own; looking for near matches takes time.
        details = [detail for detail in error.errors(include_url=False) if not _is_hollow(detail)][: 2 * MAX_ISSUES]
        structural = [_translate(detail, model, content) for detail in details]
        return None, _without_echoes(faults, structural, content, model)
    return (None if faults else value), faults


def _check_values(value: Any, path: Path, depth: int) -> Iterator[Fault]:
    """Faults that a value has wherever it stands: nothing where something must be, text that cannot be stored."""
    if depth > MAX_DEPTH:
        yield Fault(path, f"The content is nested more than {MAX_DEPTH} levels deep")
    elif value is None:
        what = f"`{path[-1]}` has no value" if path else "There is no content"
        yield Fault(path, what, "Give it a value or remove it", on_key=True)
    elif isinstance(value, str):
        yield from _check_text(value, path)
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _check_text(key, (*path, _UNSTORABLE.sub("?", key)))
            yield from _check_values(inner, (*path, key), depth + 1)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _check_values(inner, (*path, index), depth + 1)


def _check_text(text: str, path: Path) -> Iterator[Fault]:
    if found := _UNSTORABLE.search(text):
        yield Fault(path, f"The control character U+{ord(found[0]):04X} is not allowed", "Remove it")


def _is_hollow(error: ErrorDetails) -> bool:
    """Whether a list is called too short only because its items are wrong, which is said already."""
    return error["type"] == "too_short" and error["input"] != []


def _translate(error: ErrorDetails, model: type[BaseModel], content: Any) -> Fault:
    """One error of pydantic as a fault."""
    path = _path(error["loc"])
    kind, value, context = error["type"], error["input"], error.get("ctx", {})
    label = f"`{path[-1]}`" if path and isinstance(path[-1], str) else "This"
    match kind:
        case "missing":
            return _missing(path, content)
        case "extra_forbidden":
            return _unknown_key(path, _model_at(model, path[:-1], content))
        case "literal_error":
            return _not_an_option(path, label, value, model, content)
        case "string_pattern_mismatch":
            return _bad_name(path, label, value)
        case "string_too_long":
            return Fault(path, f"{label} is longer than {context['max_length']} characters", "Shorten it")
        case "too_short":
            return Fault(path, f"{label} is an empty list", "List at least one item, or remove the key", on_key=True)
        case "greater_than_equal":
            return Fault(path, f"{label} must be {context['ge']} or more", value=value)
        case "less_than_equal":
            return Fault(path, f"{label} must be {context['le']} or less", value=value)
        case _ if kind in _TYPE_ERRORS:
            return _wrong_type(path, label, kind, value)
        case _:
            return Fault(path, f"{label} is not valid: {error['msg']}", value=value)


def _path(location: tuple[str | int, ...]) -> Path:
    """Where the data is: pydantic's location without the tag that tells the two kinds of field apart."""
    return tuple(
        part
        for index, part in enumerate(location)
        if not (part in (EXISTENT_TAG, MAPPING_TAG) and index > 0 and isinstance(location[index - 1], int))
    )


def _missing(path: Path, content: Any) -> Fault:
    if path[-1] == "fieldName":
        return Fault(
            path,
            "A field needs `fieldName` or `mapToName`",
            "Give `fieldName` for a field of the provider, or `mapToName` for one that the consumer chooses",
        )
    siblings = _value_at(content, path[:-1])
    name = siblings.get("name") or siblings.get("objectName") if isinstance(siblings, dict) else None
    owner = f" in `{name}`" if isinstance(name, str) and len(name) <= 100 else ""
    return Fault(path, f"`{path[-1]}` is missing{owner}", f"Add `{path[-1]}`")


def _unknown_key(path: Path, model: type[BaseModel] | None) -> Fault:
    key, options = str(path[-1]), _keys(model)
    if model is IntegrationFieldExistent and key in _keys(IntegrationFieldMapping):
        return Fault(
            path,
            f"`{key}` is for a field that the consumer chooses, which has no `fieldName`",
            f"Remove `{key}`, or remove `fieldName`",
            on_key=True,
        )
    match = nearest(key, options)
    remedy = f"Did you mean `{match}`?" if match else f"The keys here are {listed(options)}"
    if match is None and model is not Manifest and key in _keys(Integration):
        remedy = f"`{key}` belongs to the integration itself; check the indentation"
    return Fault(path, f"`{_shortened(key)}` is not a key of the manifest here", remedy, on_key=True)


def _not_an_option(path: Path, label: str, value: Any, model: type[BaseModel], content: Any) -> Fault:
    options = _options_at(model, path, content)
    if len(options) == 1:
        return Fault(path, f"{label} must be `{options[0]}`", f"Write `{path[-1]}: {options[0]}`", value)
    match = nearest(value, options) if isinstance(value, str) else None
    remedy = f"Did you mean `{match}`?" if match else None
    return Fault(path, f"{label} must be one of {listed(options)}", remedy, value)


def _bad_name(path: Path, label: str, value: str) -> Fault:
    if not value.strip():
        return Fault(path, f"{label} must not be empty")
    if len(path) <= 3 and path[-1] == "name":
        remedy = "Use letters, digits, hyphens and underscores, beginning with a letter or digit"
        return Fault(path, f"{label} holds characters that a name cannot have", remedy, value)
    return Fault(path, f"{label} must be one line without spaces around it", "Remove the spaces", value)


def _wrong_type(path: Path, label: str, kind: str, value: Any) -> Fault:
    remedy = None
    if kind == "string_type" and isinstance(value, bool | int | float):
        remedy = "Put it in quotes"
    elif kind == "bool_type" and isinstance(value, str):
        remedy = "Write true or false, without quotes"
    elif kind == "model_type" and isinstance(value, str) and _is_field(path):
        remedy = f"Write `- fieldName: {_shortened(value)}`"
    elif kind == "tuple_type" and isinstance(value, dict):
        remedy = "Begin each item with `- `"
    return Fault(path, f"{label} must be {_TYPE_ERRORS[kind]}, not {_type_name(value)}", remedy, value)


def _without_echoes(general: list[Fault], structural: list[Fault], content: Any, model: type[BaseModel]) -> list[Fault]:
    """One fault where two say the same: "x is missing" beside a misspelt x, or a wrong type where there is no value."""
    unknown: set[Path] = set()
    meant: set[Path] = set()
    for fault in structural:
        options = _keys(_model_at(model, fault.path[:-1], content)) if fault.on_key else []
        if options and fault.path[-1] not in options:
            unknown.add(fault.path)
            match = nearest(str(fault.path[-1]), options)
            # Either name makes a field, so a misspelt one of the two means neither is missing.
            names = ("fieldName", "mapToName") if match in ("fieldName", "mapToName") else (match,)
            meant.update((*fault.path[:-1], name) for name in names if name is not None)
    empty = {fault.path for fault in general} - unknown
    return [
        *(fault for fault in general if fault.path not in unknown),
        *(fault for fault in structural if fault.path not in empty and (fault.on_key or fault.path not in meant)),
    ]


def _is_field(path: Path) -> bool:
    return len(path) >= 2 and path[-2] in ("requiredFields", "optionalFields")


def _shortened(text: str) -> str:
    return text if len(text) <= 100 else text[:99] + "…"


def _type_name(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", int: "a number", float: "a number"}
    return names.get(type(value), "that")


def _value_at(content: Any, path: Path) -> Any:
    for part in path:
        try:
            content = content[part]
        except (KeyError, IndexError, TypeError):
            return None
    return content


def _keys(model: type[BaseModel] | None) -> list[str]:
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _model_at(model: type[BaseModel], path: Path, content: Any) -> type[BaseModel] | None:
    """The model that describes the mapping at `path`."""
    current: type[BaseModel] | None = model
    for index, part in enumerate(path):
        if isinstance(part, str):
            current = _model_of_key(current, part, _value_at(content, path[: index + 2]))
    return current


def _model_of_key(model: type[BaseModel] | None, key: str, item: Any) -> type[BaseModel] | None:
    if key in ("requiredFields", "optionalFields"):
        is_mapping = isinstance(item, dict) and "mapToName" in item and "fieldName" not in item
        return IntegrationFieldMapping if is_mapping else IntegrationFieldExistent
    found = next((part for part in _annotation_parts(_annotation(model, key)) if _is_model(part)), None)
    return found if found is not None and issubclass(found, BaseModel) else None


def _options_at(model: type[BaseModel], path: Path, content: Any) -> list[str]:
    annotation = _annotation(_model_at(model, path[:-1], content), str(path[-1]))
    return [part for part in _annotation_parts(annotation) if isinstance(part, str)]


def _annotation(model: type[BaseModel] | None, key: str) -> Any:
    fields: Mapping[str, Any] = model.model_fields if model else {}
    return next((field.annotation for name, field in fields.items() if (field.alias or name) == key), None)


def _annotation_parts(annotation: Any) -> Iterator[Any]:
    """An annotation and what it is made of: members of a union, items of a tuple, options of a literal."""
    yield annotation
    for part in get_args(annotation):
        yield from _annotation_parts(part)


def _is_model(part: Any) -> bool:
    return isinstance(part, type) and issubclass(part, BaseModel)
