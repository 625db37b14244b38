"""The table of settings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import AliasChoices, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from conjunct.core.settings import Settings
from scripts.markdown import code
from scripts.markdown import table as make_table

_WORDS: dict[Any, str] = {
    str: "text",
    SecretStr: "secret text",
    bool: "`true`, `false`",
    int: "whole number",
    float: "number",
    Path: "path",
    HttpUrl: "URL",
    tuple: "comma-separated list",
}


def table() -> Iterator[str]:
    """All settings in the order of the code: variable, values, default, meaning."""
    rows = (
        (code(variable(name)), _values(field), _default(field.default), field.description or "")
        for name, field in Settings.model_fields.items()
    )
    return make_table(("variable", "values", "default", "meaning"), rows)


def variable(name: str) -> str:
    """The environment variable of the setting of this name."""
    alias = Settings.model_fields[name].validation_alias
    if isinstance(alias, AliasChoices):
        return str(alias.choices[0])
    return f"{Settings.model_config.get('env_prefix', '')}{name.upper()}"


def _values(field: FieldInfo) -> str:
    kind = _without_none(field.annotation)
    if get_origin(kind) is Literal:
        return ", ".join(code(str(choice)) for choice in get_args(kind))
    plain = _WORDS[get_origin(kind) or kind]
    limits = {
        name: getattr(limit, name) for limit in field.metadata for name in ("ge", "gt", "le") if hasattr(limit, name)
    }
    bounds = {"ge": "at least {:,}", "gt": "more than {:,}", "le": "at most {:,}"}
    return ", ".join([plain, *(bounds[name].format(value) for name, value in limits.items())])


def _without_none(annotation: Any) -> Any:
    choices = [choice for choice in get_args(annotation) if choice is not type(None)]
    return choices[0] if len(choices) == 1 and get_origin(annotation) is not Literal else annotation


def _default(value: object) -> str:
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return "none" if value in (None, "") else code(str(value))
