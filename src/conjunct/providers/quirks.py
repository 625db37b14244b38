"""The code in providers' folders: `quirks.py`, beside the definitions of those that come with Conjunct or from its
operator. It runs as Conjunct itself does, so it is never taken from anywhere else."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from conjunct.connectors import InvalidDefinition, Quirks

QUIRKS_FILE = "quirks.py"


def quirks_in(folder: Path) -> type[Quirks] | None:
    """The class in the folder's `quirks.py`, or None without one. Raises `InvalidDefinition` if it has not just one.

    Code that was read is kept until its file changes.
    """
    file = folder / QUIRKS_FILE
    try:
        found = file.stat()
    except OSError:
        return None
    return _class_in(folder, file, (found.st_mtime_ns, found.st_size, found.st_ino))


@cache
def _class_in(folder: Path, file: Path, _stamp: tuple[int, ...]) -> type[Quirks]:
    try:
        module = _built_in(folder) if folder.parent == Path(__file__).parent else _own(file)
    except Exception as error:
        raise _faulty(folder, f"cannot be loaded: {type(error).__name__}: {error}") from error
    own = [
        each
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, Quirks) and each.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise _faulty(folder, f"has {len(own)} classes that derive from Quirks; it needs one")
    return own[0]


def _built_in(folder: Path) -> ModuleType:
    return import_module(f"conjunct.providers.{folder.name}.quirks")


class _Source(SourceFileLoader):
    """Compiles the file as it is now: a compiled copy is known by the second, and somebody is at work on it."""

    def get_code(self, fullname: str) -> CodeType:
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def _own(file: Path) -> ModuleType:
    name = f"conjunct_own_providers.{file.parent.name}.quirks"
    spec = spec_from_file_location(name, file, loader=_Source(name, str(file)))
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = sys.modules[name] = module_from_spec(spec)  # what dataclasses in it look for
    spec.loader.exec_module(module)
    return module


def _faulty(folder: Path, why: str) -> InvalidDefinition:
    return InvalidDefinition(
        f"{folder.name}/{QUIRKS_FILE} {why}.", remedy="See 'Code beside a definition' in the reference."
    )
