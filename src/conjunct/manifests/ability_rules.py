"""Rules about what a provider can do with an object: tell what belongs to its records, tell which were deleted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from conjunct.connectors import ObjectSupport

from .content import objects, short
from .faults import Fault, Path, listed, nearest

Abilities = Callable[[str, str], ObjectSupport | None]
"""What a provider can do with an object, by their names; None where that is not known."""

_ANY_OBJECT = "*"


def check_abilities(integration: dict[str, Any], abilities: Abilities) -> Iterator[Fault]:
    """Faults of read objects that ask for more than their provider can do."""
    provider = integration.get("provider")
    if not isinstance(provider, str):
        return
    for index, read_object in objects(integration, "read"):
        name = read_object.get("objectName")
        support = abilities(provider, name) if isinstance(name, str) else None
        # What it cannot read at all, an installation is told by the provider itself.
        if support is not None and support.read:
            path: Path = ("read", "objects", index)
            yield from _check_associations(read_object.get("associations"), provider, support, path)
            if "deletedRecords" in read_object and not support.deleted:
                detail = f"{provider} cannot tell which records of `{short(str(name))}` were deleted"
                yield Fault((*path, "deletedRecords"), detail, "Remove `deletedRecords`", on_key=True)


def _check_associations(asked: Any, provider: str, support: ObjectSupport, path: Path) -> Iterator[Fault]:
    known = support.associations
    if _ANY_OBJECT in known:
        return
    for number, other in enumerate(asked if isinstance(asked, list) else []):
        if isinstance(other, str) and other not in known:
            match = nearest(other, known)
            choice = f"The objects are {listed(known)}" if known else "Remove `associations`"
            yield Fault(
                (*path, "associations", number),
                f"{provider} cannot tell which records of `{short(other)}` belong to a record of this object",
                f"Did you mean `{match}`?" if match else choice,
                other,
            )
