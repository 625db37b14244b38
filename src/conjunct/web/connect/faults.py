"""A problem's issues, brought to the fields that they are about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from conjunct.core.problems import Issue, Problem
from conjunct.web.connect.fields import Field


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong, by the names of fields, and what is about none of them."""

    by_name: Mapping[str, str] = field(default_factory=dict)
    elsewhere: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.by_name or self.elsewhere)

    def of(self, asked: Field) -> str | None:
        """What is wrong with the field's value."""
        return self.by_name.get(asked.name)


def placed(fields: Sequence[Field], problem: Problem | None) -> Faults:
    """The problem at its fields; its own words, where no field has its fault."""
    if problem is None:
        return Faults()
    by_name: dict[str, str] = {}
    for issue in problem.issues:
        found = _field_of(fields, issue.name)
        if found is not None:
            by_name.setdefault(found.name, _told(issue))
    if by_name:
        return Faults(by_name)
    return Faults(elsewhere=tuple(text for text in (problem.detail, problem.remedy) if text))


def _field_of(fields: Sequence[Field], name: str) -> Field | None:
    """The field of that name; the first below it, or the one above, where the issue's name is less or more exact."""
    for each in fields:
        if each.name == name:
            return each
    for each in fields:
        if each.name.startswith(f"{name}.") or name.startswith(f"{each.name}."):
            return each
    return None


def _told(issue: Issue) -> str:
    text = issue.detail[:1].upper() + issue.detail[1:]
    return text if text.endswith(".") else f"{text}."
