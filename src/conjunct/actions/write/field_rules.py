"""When fields are written, and with what where a record has no value: the settings that a group chose. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from conjunct.connectors import WriteType
from conjunct.installations import FieldSetting, WriteConfigObject, selector_of
from conjunct.kit.json_path import Selector, assign, lookup, take

Manner = Literal["always", "never", "ifEmpty"]

MISSING = object()


@dataclass(frozen=True, slots=True)
class FieldRule:
    """How one field of the provider's is written. Whatever the letter case, a name is the same field."""

    name: str
    manner: Manner
    default: Any = MISSING

    @property
    def selector(self) -> Selector:
        """Where it stands in a record."""
        return selector_of(self.name)

    def apply(self, record: MutableMapping[str, Any]) -> None:
        """Put the default into a record without a value; take the value out that is never written.

        Raises ValueError where the default would lie within the value of another field.
        """
        if self.manner == "never":
            self.leave_out(record)
        elif self.default is not MISSING and not self.stands_in(record):
            assign(record, self.selector, self.default)

    def stands_in(self, record: Mapping[str, Any]) -> bool:
        """Whether the record has the field, be it with null."""
        return lookup(record, self.selector, MISSING, ignore_case=True) is not MISSING

    def leave_out(self, record: MutableMapping[str, Any]) -> None:
        """Take the field out of a record."""
        take(record, self.selector, ignore_case=True)


def field_rules(
    config: WriteConfigObject, type_: WriteType, provider_field: Callable[[str], str]
) -> tuple[FieldRule, ...]:
    """The rules for a type of write. The settings may name fields by either name.

    What is set anew goes before the older value defaults, for each field.
    """
    settings = {provider_field(name): setting for name, setting in config.selected_field_settings.items()}
    older = {provider_field(name): value for name, value in config.selected_value_defaults.items()}
    rules: list[FieldRule] = []
    for name in dict.fromkeys((*settings, *older)):
        setting = settings.get(name) or FieldSetting()
        default = _default(setting)
        if default is MISSING and name in older:
            applies = type_ == "create" or older[name].apply_on_update != "never"
            default = older[name].value if applies else MISSING
        rules.append(FieldRule(name, _manner(setting, type_), default))
    return tuple(rules)


def to_be_read(rules: Sequence[FieldRule], record: Mapping[str, Any]) -> Iterator[FieldRule]:
    """The rules that need to know the provider's value before this record is written."""
    return (rule for rule in rules if rule.manner == "ifEmpty" and rule.stands_in(record))


def _default(setting: FieldSetting) -> Any:
    if setting.default is None:
        return MISSING
    given = (setting.default.string_value, setting.default.integer_value, setting.default.boolean_value)
    return next((value for value in given if value is not None), MISSING)


def _manner(setting: FieldSetting, type_: WriteType) -> Manner:
    if type_ == "create":
        return setting.write_on_create
    if type_ == "update":
        return setting.write_on_update
    # Nobody knows beforehand which an upsert will be: what either does not allow is left out.
    is_free = setting.write_on_create == "always" and setting.write_on_update == "always"
    return "always" if is_free else "never"
