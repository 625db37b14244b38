"""From what was written to a manifest that is known to be good, or to every reason why it is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, NoReturn

from .faults import MAX_ISSUES, Fault, ManifestInvalid, Path
from .models import Integration, Manifest
from .rules import Limits, check_integration, check_manifest
from .source import Source, Unreadable, read_source
from .structure import check_structure

_ANY = Limits()


def parse_manifest(text: str | bytes, *, limits: Limits = _ANY) -> Manifest:
    """The manifest in a YAML text.

    Raises ManifestInvalid with every fault as an issue: dotted path, line, column, what is wrong, what would be right.
    """
    try:
        source = read_source(text)
    except Unreadable as error:
        raise ManifestInvalid([error.fault.to_issue(None)]) from None
    manifest, structural = check_structure(Manifest, source.data)
    faults = [*source.faults, *structural, *_first(check_manifest(source.data, limits))]
    if manifest is None or faults:
        _refuse(faults, source)
    return manifest


def validate_manifest(content: Any, *, limits: Limits = _ANY) -> Manifest:
    """The manifest in JSON content that is parsed already. Raises ManifestInvalid, without lines."""
    manifest, faults = check_structure(Manifest, content)
    faults.extend(_first(check_manifest(content, limits)))
    if manifest is None or faults:
        _refuse(faults, None)
    return manifest


def validate_integration(content: Any, *, limits: Limits = _ANY, path: Path = ()) -> Integration:
    """One integration in JSON content, as the API takes it.

    Raises ManifestInvalid; its issues are named by `path` (where the content stands in the request, such as
    `("latestRevision", "content")`) and the place within the content.
    """
    integration, faults = check_structure(Integration, content)
    faults.extend(_first(check_integration(content, limits)))
    if integration is None or faults:
        _refuse([fault.under(path) for fault in faults], None)
    return integration


def _first(faults: Iterator[Fault]) -> Iterator[Fault]:
    """No more faults than can be shown (and one, to tell that there are more): looking for near matches takes time."""
    return islice(faults, MAX_ISSUES + 1)


def _refuse(faults: Iterable[Fault], source: Source | None) -> NoReturn:
    issues = [
        fault.to_issue(source.locate(fault.path, on_key=fault.on_key) if source is not None else None)
        for fault in faults
    ]
    # In the order of the text; content without lines keeps the order in which it was checked.
    raise ManifestInvalid(sorted(issues, key=lambda issue: (issue.line or 0, issue.column or 0)))
