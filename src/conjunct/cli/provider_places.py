"""Where a provider that a command names is: a folder or file, one of one's own, or a built-in one."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from conjunct.cli.output import CommandFailed
from conjunct.core.problems import Problem
from conjunct.core.settings import load_settings

if TYPE_CHECKING:
    from conjunct.connectors import Definition

BESIDE = Path("providers")
"""The folder beside `amp.yaml`, which a deploy takes along."""


def own_folders() -> list[Path]:
    """The folders of one's own providers that there are: beside the manifest, and the operator's."""
    folders = [BESIDE, load_settings().providers_dir]
    return [folder for folder in folders if folder is not None and folder.is_dir()]


def place_of(name: str) -> Path:
    """The folder of a provider, by its path or its name."""
    from conjunct.providers.catalog import BUILT_IN
    from conjunct.providers.watching import FILE_NAME

    given = Path(name)
    if given.name == FILE_NAME and given.is_file():
        return given.resolve().parent
    candidates = [given] if len(given.parts) > 1 or name in (".", "..") else []
    for folder in (*candidates, *(each / name for each in own_folders()), given, BUILT_IN / name):
        if (folder / FILE_NAME).is_file():
            return folder.resolve() if folder.name in ("", "..") else folder
    looked = ", ".join(map(str, own_folders())) or f"{BESIDE} (which is not there)"
    raise CommandFailed(
        f"There is no provider '{name}'.",
        f"Name a folder with a {FILE_NAME}, one in {looked}, or a built-in one. `conjunct provider new` makes one.",
    )


def load(folder: Path) -> Definition | None:
    """The definition in a folder; None when it has faults, which are told."""
    from conjunct.providers import Catalog
    from conjunct.providers.catalog import BUILT_IN
    from conjunct.providers.watching import FILE_NAME

    path = folder / FILE_NAME
    try:
        return Catalog((folder.absolute().parent, BUILT_IN)).get(folder.absolute().name)
    except Problem as problem:
        for issue in problem.issues:
            remedy = f"; {issue.remedy}" if issue.remedy else ""
            print(
                f"{path}:{issue.line}:{issue.column} {issue.name or 'the text'}: {issue.detail}{remedy}",
                file=sys.stderr,
            )
        if not problem.issues:
            print(f"{path}: {problem.detail} {problem.remedy or ''}".rstrip(), file=sys.stderr)
        return None
