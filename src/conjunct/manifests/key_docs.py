"""What the models say of their keys, read from their source when a schema is made.

Pydantic's `use_attribute_docstrings` reads it whenever the models are imported: a tenth of a second in every process.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from functools import cache
from itertools import pairwise


@cache
def key_docs(model: type) -> dict[str, str]:
    """The texts that stand under the attributes of a class and of those it derives from, by attribute."""
    docs: dict[str, str] = {}
    for each in reversed(model.__mro__):
        docs |= _by_class(each.__module__).get(each.__qualname__, {})
    return docs


@cache
def _by_class(module: str) -> dict[str, dict[str, str]]:
    if not module.startswith("conjunct."):
        return {}
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    return {node.name: _of_class(node) for node in tree.body if isinstance(node, ast.ClassDef)}


def _of_class(node: ast.ClassDef) -> dict[str, str]:
    docs: dict[str, str] = {}
    for pair in pairwise(node.body):
        match pair:
            case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text)))):
                docs[name] = inspect.cleandoc(text)
    return docs
