"""Page tokens: where the next page of a read begins, as a text that can be kept.

A token is ours: the provider's next URL, or values for template variables, and with them what must stick to every later
page.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from conjunct.core.problems import InvalidRequest

Scalar = str | int


class BadPageToken(InvalidRequest):
    """The token of a page is not one that a connector gave."""

    slug = "bad-page-token"
    title = "The page token is not valid"


@dataclass(frozen=True, slots=True)
class PageToken:
    """Where the next page begins.

    `url` is the provider's own address of it, else `variables` go into the request's template. `sticky` are variables
    that go with this and every later page. `first` is the id of the page's first record where a provider that ignores
    our position would go unnoticed otherwise. `tour` is where we are among the records that others are listed under,
    as `parents.py` writes it.
    """

    url: str | None = None
    variables: Mapping[str, Scalar] = field(default_factory=dict)
    sticky: Mapping[str, Scalar] = field(default_factory=dict)
    first: str | None = None
    tour: Mapping[str, Any] | None = None

    def encode(self) -> str:
        """As a text to keep; JSON."""
        return orjson.dumps(self.parts, option=orjson.OPT_SORT_KEYS).decode()

    @classmethod
    def decode(cls, text: str) -> PageToken:
        """The token in a text. Raises `BadPageToken`."""
        try:
            return cls.of(orjson.loads(text))
        except orjson.JSONDecodeError:
            raise bad_token() from None

    @property
    def parts(self) -> dict[str, Any]:
        """As JSON."""
        parts = {
            "url": self.url,
            "vars": self.variables,
            "sticky": self.sticky,
            "first": self.first,
            "tour": self.tour,
        }
        return {key: value for key, value in parts.items() if value}

    @classmethod
    def of(cls, parts: Any) -> PageToken:
        """The token of these parts. Raises `BadPageToken`."""
        if isinstance(parts, dict):
            values = (parts.get("vars", {}), parts.get("sticky", {}))
            token = cls(parts.get("url"), *values, parts.get("first"), parts.get("tour"))
            if token._is_sound():
                return token
        raise bad_token()

    def _is_sound(self) -> bool:
        texts = all(text is None or isinstance(text, str) for text in (self.url, self.first))
        tour = self.tour is None or isinstance(self.tour, dict)
        return (texts and tour) and all(
            isinstance(values, dict) and all(isinstance(value, str | int) for value in values.values())
            for values in (self.variables, self.sticky)
        )


def bad_token() -> BadPageToken:
    """The problem of a text that is no token."""
    return BadPageToken("The page token was not made by this read.", remedy="Begin the read anew.")


FIRST_PAGE = PageToken()
