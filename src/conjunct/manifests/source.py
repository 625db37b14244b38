"""Reads YAML into plain data and remembers where everything stands.

Built on the parser's events rather than on its objects, so that each limit is checked before memory is spent: size,
depth, number of nodes (aliases count each time they are used) and no tags. Plain scalars follow YAML 1.2, where only
`true` and `false` are booleans: `no` is the text "no", and `2026-01-01` is no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from .faults import Fault, Mark, Path
from .yaml_errors import explain

MAX_BYTES = 1_000_000
MAX_DEPTH = 32
MAX_NODES = 100_000

# libyaml's parser where PyYAML was built with it: a hundred times faster, same events.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?\Z")
_CONSTANTS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Unreadable(Exception):
    """The text is no YAML that we read; `fault` says why."""

    def __init__(self, detail: str, mark: Mark | None, remedy: str | None = None) -> None:
        super().__init__(detail)
        self.fault = Fault((), detail, remedy, mark=mark)


@dataclass(slots=True)
class Node:
    """A value and where it begins: a scalar, a list of nodes, or entries by key."""

    mark: Mark
    value: Any = None
    items: list[Node] | None = None
    entries: dict[str, Entry] | None = None


@dataclass(slots=True)
class Entry:
    """A key's place and its value."""

    key_mark: Mark
    node: Node


@dataclass(frozen=True, slots=True)
class Source:
    """A document: its plain data, its tree with places, and the faults that did not prevent reading it."""

    data: Any
    root: Node
    faults: tuple[Fault, ...]

    def locate(self, path: Path, *, on_key: bool = False) -> Mark:
        """Where the value at `path` begins (or its key); the nearest thing above it where there is no such value."""
        node, mark = self.root, self.root.mark
        for depth, part in enumerate(path, start=1):
            if isinstance(part, str) and node.entries is not None and part in node.entries:
                entry = node.entries[part]
                node, mark = entry.node, entry.node.mark
                if on_key and depth == len(path):
                    mark = entry.key_mark
            elif isinstance(part, int) and node.items is not None and part < len(node.items):
                node = node.items[part]
                mark = node.mark
            else:
                break
        return mark


def read_source(content: str | bytes) -> Source:
    """Read one YAML document. Raises Unreadable; faults that leave the rest readable are collected instead."""
    text = _decode(content)
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_Loader):
            builder.feed(event)
    except yaml.YAMLError as error:
        detail, remedy, mark = explain(error, text)
        raise Unreadable(detail, mark, remedy) from None
    if builder.root is None:
        raise Unreadable("The manifest is empty", Mark(1, 1), "Begin with `specVersion: 1.0.0` and `integrations:`")
    return Source(_Expander().expand(builder.root, 0), builder.root, tuple(builder.faults))


def _decode(content: str | bytes) -> str:
    if isinstance(content, bytes):
        if len(content) > MAX_BYTES:
            raise _too_large()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            before = content[: error.start].decode("utf-8-sig", "replace")
            raise Unreadable("The manifest is not UTF-8 text", _mark_at_end(before), "Save it as UTF-8") from None
    else:
        text = content.removeprefix("\ufeff")
        if len(text) > MAX_BYTES:
            raise _too_large()
    if found := _FORBIDDEN.search(text):
        code = f"U+{ord(found[0]):04X}"
        raise Unreadable(
            f"The control character {code} is not allowed", _mark_at_end(text[: found.start()]), "Remove it"
        )
    return text


def _too_large() -> Unreadable:
    return Unreadable(f"The manifest is larger than {MAX_BYTES:,} bytes", None, "Split it over several projects")


def _mark_at_end(text: str) -> Mark:
    return Mark(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


def _mark(event: Any) -> Mark:
    return Mark(event.start_mark.line + 1, event.start_mark.column + 1)


@dataclass(slots=True)
class _Frame:
    """A collection that is being read."""

    node: Node
    anchor: str | None
    key: str | None = None
    key_mark: Mark | None = None
    wants_key: bool = True
    merges: list[tuple[Mark, Node]] = field(default_factory=list)


_MERGE = "<<"


class _Builder:
    """Turns events into nodes, with a stack of its own instead of recursion."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self.faults: list[Fault] = []
        self._documents = 0
        self._nodes = 0
        self._stack: list[_Frame] = []
        self._anchors: dict[str, Node] = {}

    def feed(self, event: yaml.Event) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise Unreadable("A manifest is one YAML document; a second begins here", _mark(event))
            case yaml.AliasEvent():
                self._add(self._resolve_alias(event), _mark(event))
            case yaml.ScalarEvent():
                node = Node(_mark(event), value=_resolve(event.value, plain=event.implicit[0]))
                self._begin(event)
                if event.anchor:
                    self._anchors[event.anchor] = node
                self._add(node, node.mark, is_plain_merge=event.implicit[0] and event.value == _MERGE)
            case yaml.SequenceStartEvent():
                self._open(Node(_mark(event), items=[]), event)
            case yaml.MappingStartEvent():
                self._open(Node(_mark(event), entries={}), event)
            case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                self._close()

    def _begin(self, event: Any) -> None:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Unreadable(f"The manifest holds more than {MAX_NODES:,} values", _mark(event))
        if event.tag is not None:
            self._fault(f"The tag `{event.tag}` is not supported", "Remove it", _mark(event))

    def _open(self, node: Node, event: Any) -> None:
        self._begin(event)
        if len(self._stack) >= MAX_DEPTH:
            raise Unreadable(f"The manifest is nested more than {MAX_DEPTH} levels deep", _mark(event))
        if self._stack and self._stack[-1].node.entries is not None and self._stack[-1].wants_key:
            raise Unreadable("A list or mapping cannot be a key", _mark(event), "Use a text as the key")
        # An anchor counts only once its value is complete, so no value can contain itself.
        self._anchors.pop(event.anchor, None)
        self._stack.append(_Frame(node, event.anchor))

    def _close(self) -> None:
        frame = self._stack.pop()
        for mark, merged in frame.merges:
            self._merge(frame.node, merged, mark)
        if frame.anchor:
            self._anchors[frame.anchor] = frame.node
        self._add(frame.node, frame.node.mark)

    def _resolve_alias(self, event: Any) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            raise Unreadable(f"`*{event.anchor}` refers to nothing that is complete above it", _mark(event))
        return node

    def _add(self, node: Node, mark: Mark, *, is_plain_merge: bool = False) -> None:
        if not self._stack:
            self.root = node
            return
        frame = self._stack[-1]
        if frame.node.items is not None:
            frame.node.items.append(node)
        elif frame.wants_key:
            frame.key, frame.key_mark, frame.wants_key = self._key(frame, node, mark, is_plain_merge), mark, False
        else:
            self._add_entry(frame, node, mark)
            frame.wants_key = True

    def _key(self, frame: _Frame, node: Node, mark: Mark, is_plain_merge: bool) -> str | None:
        if is_plain_merge:
            return _MERGE
        if not isinstance(node.value, str):
            shown = "null" if node.value is None else str(node.value).lower()
            self._fault(f"The key `{shown}` is not text", "Put the key in quotes", mark)
            return None
        if frame.node.entries is not None and node.value in frame.node.entries:
            first = frame.node.entries[node.value].key_mark
            self._fault(
                f"`{node.value}` is given twice; first on line {first.line}", "Keep one of the two", mark, node.value
            )
            return None
        return node.value

    def _add_entry(self, frame: _Frame, node: Node, mark: Mark) -> None:
        if frame.key is None or frame.key_mark is None or frame.node.entries is None:
            return
        if frame.key != _MERGE:
            frame.node.entries[frame.key] = Entry(frame.key_mark, node)
            return
        parts = node.items if node.items is not None else [node]
        if any(part.entries is None for part in parts):
            self._fault("`<<` merges mappings only", "Refer to an anchor on a mapping", mark)
            return
        frame.merges.extend((mark, part) for part in parts)

    def _merge(self, node: Node, merged: Node, mark: Mark) -> None:
        self._nodes += len(merged.entries or {})
        if self._nodes > MAX_NODES:
            raise Unreadable(f"The manifest holds more than {MAX_NODES:,} values", mark)
        for key, entry in (merged.entries or {}).items():
            if node.entries is not None:
                node.entries.setdefault(key, entry)

    def _fault(self, detail: str, remedy: str, mark: Mark, *key: str) -> None:
        self.faults.append(Fault((*self._path(), *key), detail, remedy, mark=mark))

    def _path(self) -> Path:
        return tuple(part for frame in self._stack for part in _step(frame))


def _step(frame: _Frame) -> Iterator[str | int]:
    """Where the frame stands, as one step of a path: none while a mapping waits for a key."""
    if frame.node.items is not None:
        yield len(frame.node.items)
    elif not frame.wants_key and frame.key is not None:
        yield frame.key


def _resolve(text: str, *, plain: bool) -> Any:
    """The value of a scalar by the core schema of YAML 1.2; integers and floats only as large as they are exact."""
    if not plain:
        return text
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INTEGER.match(text):
        return int(text)
    if len(text) <= 40 and _FLOAT.match(text):
        return float(text)
    return text


class _Expander:
    """Plain data of a tree; counts what aliases repeat."""

    def __init__(self) -> None:
        self._nodes = 0

    def expand(self, node: Node, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise Unreadable("The manifest's aliases repeat too much", node.mark, "Write it with fewer aliases")
        if node.items is not None:
            return [self.expand(item, depth + 1) for item in node.items]
        if node.entries is not None:
            return {key: self.expand(entry.node, depth + 1) for key, entry in node.entries.items()}
        return node.value
