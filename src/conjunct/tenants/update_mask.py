"""Update masks of small things: which of the given values replace what is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from conjunct.core.problems import InvalidRequest, Issue, Unprocessable

_SHOWN_CHARACTERS = 100


def masked(mask: Sequence[str], given: BaseModel, allowed: Mapping[str, str], *, at: str) -> dict[str, Any]:
    """The values that the mask names, by the names of their fields.

    `allowed` gives the field of `given` for each name that a mask may hold; `at` is where `given` stands in the body.

    Raises:
        InvalidRequest: the mask is empty, or names what cannot be updated.
        Unprocessable: a value that the mask names is missing.
    """
    remedy = f"Allowed masks: {', '.join(allowed)}."
    foreign = [
        Issue(f"updateMask.{place}", "cannot be updated", value=name[:_SHOWN_CHARACTERS], remedy=remedy)
        for place, name in enumerate(mask)
        if name not in allowed
    ]
    if foreign or not mask:
        raise InvalidRequest(
            "The update mask names what cannot be updated." if foreign else "The update mask is empty.",
            remedy=remedy,
            issues=foreign or [Issue("updateMask", "must name at least one field", remedy=remedy)],
        )
    values = {allowed[name]: getattr(given, allowed[name]) for name in mask}
    missing = [Issue(f"{at}.{name}", "is missing") for name in mask if values[allowed[name]] is None]
    if missing:
        raise Unprocessable(
            "The update mask names values that are missing.", remedy="Give a value for each mask.", issues=missing
        )
    return values
