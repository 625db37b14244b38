"""Request templates: JSON values whose texts hold `{variables}`.

One rule makes filters, paging and options one mechanism: **a template whose variable is unset removes its key; inside a
list it removes the whole item; a mapping or list that loses everything is itself unset.**

- `{name}` alone keeps the type of its value; within a text it becomes text. `{name|pipe|pipe}` formats or quotes it.
- `{$each: filter, ...}` in a list gives one item for each entry of a list of mappings. The entry is there, whatever it
  lacks: within it an unset variable removes its key only.
- `{$list: fields}` is the list itself; `{$literal: "..."}` is never a template (GraphQL documents).
- `{$merge: [...]}` lays mappings over one another: the later wins, unset ones are left out. `$each` in it gives one for
  each entry.
- Keys of a mapping are templates, too. `{{` and `}}` are braces.

Templates are compiled once for a definition; rendering does no parsing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Protocol
from urllib.parse import quote

from conjunct.connectors.formats import PIPES, TIMES, TimeStyle, UnusableValue

Variables = Mapping[str, Any]

_TOKEN = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class TemplateSyntaxError(ValueError):
    """The text is not a template."""


class _Unset:
    def __repr__(self) -> str:
        return "UNSET"


class _Blank:
    """Nothing to say: an empty text inside a text, unset where it stands alone."""

    def __str__(self) -> str:
        return ""


UNSET: Final = _Unset()
BLANK: Final = _Blank()


class Template(Protocol):
    """A compiled template. `names` are the variables that it mentions."""

    @property
    def names(self) -> frozenset[str]: ...

    def render(self, variables: Variables) -> Any:
        """The value, or `UNSET`. Raises `UnusableValue`."""


@dataclass(frozen=True, slots=True)
class Constant:
    """A value without variables."""

    value: Any
    names: frozenset[str] = frozenset()

    def render(self, _variables: Variables) -> Any:
        return self.value


@dataclass(frozen=True, slots=True)
class Variable:
    """`{name|pipe}` alone: keeps the type of the value."""

    name: str
    pipes: tuple[Callable[[Any], Any], ...]
    format_time: Callable[[Any], str | int]

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name,))

    def render(self, variables: Variables) -> Any:
        value = variables.get(self.name)
        if value is None or value is BLANK:
            return UNSET
        return self.formatted(value)

    def formatted(self, value: Any) -> Any:
        if self.pipes:
            for pipe in self.pipes:
                value = pipe(value)
            return value
        return self.format_time(value) if isinstance(value, datetime) else value

    def as_text(self, variables: Variables) -> str | _Unset:
        """The value as it stands within a text, or `UNSET`."""
        value = variables.get(self.name)
        if value is None:
            return UNSET
        value = self.formatted(value) if value is not BLANK else ""
        if isinstance(value, bool):
            return "true" if value else "false"
        return str(value)


@dataclass(frozen=True, slots=True)
class Text:
    """A text with variables in it."""

    parts: tuple[str | Variable, ...]
    names: frozenset[str]

    def render(self, variables: Variables) -> Any:
        texts: list[str] = []
        for part in self.parts:
            text = part if isinstance(part, str) else part.as_text(variables)
            if isinstance(text, _Unset):
                return UNSET
            texts.append(text)
        return "".join(texts)


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping. `whole` (an item of a list) makes it all or nothing."""

    entries: tuple[tuple[str | Template, Template], ...]
    whole: bool
    names: frozenset[str]

    def render(self, variables: Variables) -> Any:
        rendered: dict[str, Any] = {}
        for key, template in self.entries:
            value = template.render(variables)
            if type(key) is not str:
                key = key.render(variables)  # type: ignore[union-attr]  # noqa: PLW2901
            if value is not UNSET and key is not UNSET:
                rendered[key if type(key) is str else str(key)] = value
            elif self.whole:
                return UNSET
        return rendered or UNSET


@dataclass(frozen=True, slots=True)
class Items:
    """A list: items that are unset are left out."""

    items: tuple[Template, ...]
    names: frozenset[str]

    def render(self, variables: Variables) -> Any:
        rendered: list[Any] = []
        for template in self.items:
            value = template.render(variables)
            if isinstance(template, Each):
                rendered.extend(value)
            elif value is not UNSET:
                rendered.append(value)
        return rendered or UNSET


@dataclass(frozen=True, slots=True)
class Each:
    """One item for each entry of a list of mappings, whose keys are variables within the item.

    An entry that is no mapping is `{value}`, and `{id}`.
    """

    name: str
    item: Template
    names: frozenset[str]

    def render(self, variables: Variables) -> list[Any]:
        items = [self.item.render({**variables, **_entry(entry)}) for entry in variables.get(self.name) or ()]
        return [item for item in items if item is not UNSET]


def _entry(entry: Any) -> Mapping[str, Any]:
    # A list of plain values, such as ids.
    return entry if isinstance(entry, Mapping) else {"value": entry, "id": entry}


@dataclass(frozen=True, slots=True)
class WholeList:
    """`{$list: name}`: the list in the variable; unset when it is empty."""

    name: str

    @property
    def names(self) -> frozenset[str]:
        return frozenset((self.name,))

    def render(self, variables: Variables) -> Any:
        return list(variables.get(self.name) or ()) or UNSET


@dataclass(frozen=True, slots=True)
class Merged:
    """`{$merge: [...]}`: mappings laid over one another."""

    parts: tuple[Template, ...]
    names: frozenset[str]

    def render(self, variables: Variables) -> Any:
        merged: dict[str, Any] = {}
        is_set = False
        for part in self.parts:
            value = part.render(variables)
            for each in value if isinstance(part, Each) else (value,):
                if each is UNSET:
                    continue
                if not isinstance(each, Mapping):
                    raise UnusableValue(f"a mapping was expected among what is put together, not {type(each).__name__}")
                merged.update(each)
                is_set = True
        return merged if is_set else UNSET


def compile_template(value: Any, time: TimeStyle = "rfc3339", *, whole: bool = False) -> Template:
    """Compile a JSON value. `time` is how a point in time reads without a pipe. Raises `TemplateSyntaxError`."""
    if isinstance(value, str):
        return compile_text(value, time)
    if isinstance(value, list):
        return _compile_list(value, time)
    if isinstance(value, dict):
        return _compile_mapping(value, time, whole=whole)
    return Constant(value)


def compile_text(text: str, time: TimeStyle = "rfc3339") -> Template:
    """Compile one text. Raises `TemplateSyntaxError`."""
    parts = _parts(text, TIMES[time])
    if not any(isinstance(part, Variable) for part in parts):
        return Constant("".join(part for part in parts if isinstance(part, str)))
    if len(parts) == 1 and isinstance(parts[0], Variable):
        return parts[0]
    return Text(parts, frozenset(part.name for part in parts if isinstance(part, Variable)))


def _compile_mapping(value: dict[str, Any], time: TimeStyle, *, whole: bool) -> Template:
    if "$list" in value:
        return WholeList(_only(value, "$list"))
    if "$literal" in value:
        return Constant(_only(value, "$literal"))
    if "$merge" in value:
        return _compile_merge(_only(value, "$merge"), time)
    if "$each" in value:
        raise TemplateSyntaxError("$each gives the items of a list; it cannot stand outside one")
    entries = tuple((_compile_key(key, time), compile_template(item, time, whole=whole)) for key, item in value.items())
    names = _names(part for entry in entries for part in entry if not isinstance(part, str))
    mapped = Mapped(entries, whole, names)
    return mapped if names else Constant(value_of(mapped))


def value_of(mapped: Mapped) -> dict[str, Any]:
    """The mapping that templates without variables make."""
    return {str(key): template.render({}) for key, template in mapped.entries}


def _compile_key(text: str, time: TimeStyle) -> str | Template:
    key = compile_text(text, time)
    return str(key.value) if isinstance(key, Constant) else key


def _compile_merge(parts: Any, time: TimeStyle) -> Template:
    if not isinstance(parts, list) or not all(isinstance(part, str | dict) for part in parts):
        raise TemplateSyntaxError("$merge has a list of mappings")
    templates = tuple(_compile_item(part, time) if "$each" in part else compile_template(part, time) for part in parts)
    made = zip(parts, templates, strict=True)
    if any(isinstance(part, str) and not isinstance(template, Variable) for part, template in made):
        raise TemplateSyntaxError("$merge has a list of mappings; a text that is none must be one variable")
    return Merged(templates, _names(templates))


def _compile_list(value: list[Any], time: TimeStyle) -> Template:
    items = tuple(_compile_item(item, time) for item in value)
    names = _names(items)
    return Items(items, names) if names else Constant([template.render({}) for template in items])


def _compile_item(value: Any, time: TimeStyle) -> Template:
    if not (isinstance(value, dict) and "$each" in value):
        return compile_template(value, time, whole=True)
    name = value["$each"]
    if not isinstance(name, str):
        raise TemplateSyntaxError("$each names a variable that holds a list")
    rest = {key: item for key, item in value.items() if key != "$each"}
    item = compile_template(rest["$term"] if set(rest) == {"$term"} else rest, time)
    return Each(name, item, item.names | {name})


def _only(value: dict[str, Any], key: str) -> Any:
    if len(value) != 1:
        raise TemplateSyntaxError(f"{key} stands alone in its mapping")
    if key == "$list" and not isinstance(value[key], str):
        raise TemplateSyntaxError("$list names a variable that holds a list")
    return value[key]


def _names(templates: Any) -> frozenset[str]:
    return frozenset().union(*(template.names for template in templates))


def _parts(text: str, format_time: Callable[[Any], str | int]) -> tuple[str | Variable, ...]:
    parts: list[str | Variable] = []
    literal = ""
    position = 0
    for match in _TOKEN.finditer(text):
        literal += text[position : match.start()]
        position = match.end()
        token = match.group()
        if token in ("{{", "}}"):
            literal += token[0]
        elif match.group(1) is None:
            raise TemplateSyntaxError(
                f"a '{token}' has no partner in '{text}'; write '{token * 2}' for the sign itself"
            )
        else:
            if literal:
                parts.append(literal)
            literal = ""
            parts.append(_variable(match.group(1), format_time))
    literal += text[position:]
    if literal or not parts:
        parts.append(literal)
    return tuple(parts)


def _variable(inner: str, format_time: Callable[[Any], str | int]) -> Variable:
    name, *pipes = (piece.strip() for piece in inner.split("|"))
    if _VARIABLE.fullmatch(name) is None:
        raise TemplateSyntaxError(f"'{{{inner}}}' is not a variable; write {{{{ and }}}} for braces")
    unknown = next((pipe for pipe in pipes if pipe not in PIPES), None)
    if unknown is not None:
        raise TemplateSyntaxError(f"there is no pipe '{unknown}'; there are {', '.join(sorted(PIPES))}")
    return Variable(name, tuple(PIPES[pipe] for pipe in pipes), format_time)


def fits_path(value: Any) -> bool:
    """Whether a value can stand in a path, where it is percent-encoded."""
    # Not even encoded: there are servers that decode a path before they resolve its dots.
    return value is not None and not any(segment in ("", ".", "..") for segment in str(value).split("/"))


@dataclass(frozen=True, slots=True)
class PathTemplate:
    """A URL path: what a variable holds can never add a segment, a query or a step upwards.

    `raw` are variables written by the definition's author; `slashed` may hold `/`.
    """

    template: Text | Variable | Constant
    raw: frozenset[str]
    slashed: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return self.template.names

    def render(self, variables: Variables) -> str:
        """The path, percent-encoded. Raises `UnusableValue` for an unset variable or a `.`/`..` segment."""
        if isinstance(self.template, Constant):
            return str(self.template.value)
        parts = self.template.parts if isinstance(self.template, Text) else (self.template,)
        return "".join(part if isinstance(part, str) else self._encoded(part, variables) for part in parts)

    def takes(self, variables: Variables, names: Collection[str]) -> bool:
        """Whether those of the variables that are named can stand in the path, as its pipes make of them."""
        parts = self.template.parts if isinstance(self.template, Text) else (self.template,)
        return all(_stands(part, variables) for part in parts if isinstance(part, Variable) and part.name in names)

    def _encoded(self, part: Variable, variables: Variables) -> str:
        text = part.as_text(variables)
        if isinstance(text, _Unset):
            raise UnusableValue(f"the path needs '{part.name}', which is not given")
        if part.name in self.raw:
            return text
        if not fits_path(text):
            raise UnusableValue(f"{text!r} cannot stand in a path (as '{part.name}')")
        return quote(text, safe="/" if part.name in self.slashed else "")


def _stands(part: Variable, variables: Variables) -> bool:
    try:
        text = part.as_text(variables)
    except UnusableValue:
        return False
    return not isinstance(text, _Unset) and fits_path(text)


def compile_path(
    text: str, *, raw: frozenset[str] = frozenset(), slashed: frozenset[str] = frozenset()
) -> PathTemplate:
    """Compile a URL path. Raises `TemplateSyntaxError`."""
    template = compile_text(text)
    if not isinstance(template, Text | Variable | Constant):
        raise TemplateSyntaxError("a path is a text")
    return PathTemplate(template, raw, slashed)
