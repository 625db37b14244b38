"""YAML with positions: what a text holds, and the line and column of every part of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml

from conjunct.core.problems import Issue

Path = tuple[str | int, ...]

_MERGE = "tag:yaml.org,2002:merge"
_COLLECTIONS = ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq")

_FAST_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

MAX_NODES = 50_000
"""More parts than any definition has; stops aliases that multiply."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A position; both count from 1."""

    line: int
    column: int


@dataclass(slots=True)
class YamlSource:
    """The value of a YAML text, where each part stands, and what is wrong with the text."""

    value: Any = None
    marks: dict[Path, Mark] = field(default_factory=dict)
    issues: list[Issue] = field(default_factory=list)

    def mark(self, path: Path) -> Mark:
        """Where that part stands, or else the nearest part around it that stands somewhere."""
        while path and path not in self.marks:
            path = path[:-1]
        return self.marks.get(path, Mark(1, 1))

    def issue(self, path: Path, detail: str, *, value: Any = None, remedy: str | None = None) -> Issue:
        """A fault of that part."""
        mark = self.mark(path)
        return Issue(dotted(path), detail, value=value, remedy=remedy, line=mark.line, column=mark.column)


def dotted(path: Path) -> str:
    """The path as problems show it: `objects.contacts.read.page`."""
    return ".".join(map(str, path))


def read_yaml(text: str, *, vetted: bool = False) -> YamlSource:
    """Parse a text; never raises: what is wrong with it is in `issues`.

    `vetted` is for texts that come with Conjunct: libyaml reads them five times as fast, and texts that nest without
    end, which others may send, end the process.
    """
    source = YamlSource()
    try:
        loader = (_FAST_LOADER if vetted else yaml.SafeLoader)(text)
        node = loader.get_single_node()
        if node is not None:
            source.value = _Builder(loader, source).build(node, ())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        source.issues.append(Issue("", f"not valid YAML: {error.problem}", line=line, column=column))
    except (yaml.YAMLError, RecursionError) as error:
        source.issues.append(Issue("", f"not valid YAML: {error}", line=1, column=1))
    return source


class _Builder:
    """Makes values of nodes, noting where each stood. Aliases are followed, `<<` is merged."""

    def __init__(self, loader: yaml.SafeLoader, source: YamlSource) -> None:
        self._loader = loader
        self._source = source
        self._left = MAX_NODES
        self._own: dict[int, list[str]] = {}

    def build(self, node: yaml.Node, path: Path) -> Any:
        self._left -= 1
        if self._left < 0 or len(path) > 60:
            raise yaml.MarkedYAMLError(problem="too many or too deep parts", problem_mark=node.start_mark)
        self._source.marks.setdefault(path, Mark(node.start_mark.line + 1, node.start_mark.column + 1))
        if not isinstance(node, yaml.ScalarNode) and node.tag not in _COLLECTIONS:
            raise yaml.MarkedYAMLError(problem=f"there is no tag {node.tag}", problem_mark=node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        # Merging changes the node, to which another alias may lead again.
        own = self._own.setdefault(id(node), [key.value for key, _ in node.value if key.tag != _MERGE])
        if any(key.tag == _MERGE for key, _ in node.value):
            self._loader.flatten_mapping(node)
        value: dict[str, Any] = {}
        for key_node, item in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a key must be a plain text", problem_mark=key_node.start_mark)
            key = key_node.value
            inner = (*path, key)
            if own.count(key) > 1 and key in value:
                self._repeated(inner, key_node)
            self._source.marks[inner] = Mark(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            value[key] = self.build(item, inner)
        return value

    def _repeated(self, path: Path, node: yaml.Node) -> None:
        self._source.issues.append(
            Issue(
                dotted(path),
                "this key is there twice",
                line=node.start_mark.line + 1,
                column=node.start_mark.column + 1,
            )
        )

    def _scalar(self, node: yaml.Node) -> Any:
        value = self._loader.construct_object(node)
        # JSON has no dates: 2026-03 or 2026-01-01 in a definition is a text.
        return value if value is None or isinstance(value, str | bool | int | float) else node.value
