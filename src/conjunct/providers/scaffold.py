"""The text of a new provider's definition: commented, and good as it stands. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import yaml

from conjunct.core.problems import Unprocessable
from conjunct.providers.watching import FILE_NAME

AuthKind = Literal["apiKey", "basic", "oauth2"]
SCHEMA = "https://conjunct.dev/schemas/provider-definition.json"

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_\-]{0,63}")
_AUTH: Mapping[AuthKind, Mapping[str, Any]] = {
    "apiKey": {"type": "apiKey", "in": "header", "name": "Authorization", "prefix": "Bearer "},
    "basic": {"type": "basic"},
    "oauth2": {
        "type": "oauth2",
        "authorize_url": "https://example.com/oauth/authorize",
        "token_url": "https://example.com/oauth/token",
    },
}
_AUTH_NOTES: Mapping[str, str] = {
    "apiKey": "A key that customers paste. `in: query` puts it into the query; `prefix` stands before it in a header.",
    "basic": "HTTP Basic. Where customers have a key only: `key_as: username`, or `password`.",
    "oauth2": "OAuth 2. Say `pkce: true`, `scopes`, `token_auth: basic` where the provider wants them.",
}
_DEFAULTS: Mapping[str, Any] = {
    "time": "rfc3339",
    "read": {
        "request": {"path": "/{object}", "query": {"limit": "{page_size}", "cursor": "{cursor}"}},
        "records": "data",
        "id": "id",
        "page": {"style": "cursor", "at": "next_cursor", "size": {"default": 100, "max": 100}},
    },
    "schema": {"source": "sample"},
}
_OBJECTS: Mapping[str, Any] = {
    "contacts": {
        "read": {"request": {"query": {"updated_since": "{since}"}}},
        "write": {
            "create": {"request": {"method": "POST", "path": "/contacts", "body": "{record}"}},
            "update": {"request": {"method": "PATCH", "path": "/contacts/{id}", "body": "{record}"}},
        },
    }
}


class UnusableName(Unprocessable):
    """A provider cannot have that name."""

    slug = "unusable-provider-name"
    title = "The provider cannot be named so"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is known of a provider to be: sections in the definition's own form."""

    name: str
    display: str = ""
    base_url: str = "https://api.example.com"
    auth: Mapping[str, Any] = field(default_factory=lambda: _AUTH["apiKey"])
    defaults: Mapping[str, Any] = field(default_factory=lambda: _DEFAULTS)
    objects: Mapping[str, Any] = field(default_factory=lambda: _OBJECTS)
    notes: Sequence[str] = ()

    def with_choices(self, *, base_url: str | None, auth: AuthKind | None) -> Wanted:
        """With what somebody chose instead."""
        chosen = self if base_url is None else replace(self, base_url=base_url.rstrip("/"))
        return chosen if auth is None else replace(chosen, auth=_AUTH[auth])


def scaffold(wanted: Wanted) -> dict[str, str]:
    """The files of the provider's folder, by their paths in it. Raises `UnusableName`."""
    if not _NAME.fullmatch(wanted.name):
        raise UnusableName(
            f"'{wanted.name}' is no name for a provider.",
            remedy="A letter, then letters, digits, '-' and '_', 64 at most.",
        )
    return {FILE_NAME: _definition(wanted)}


def _definition(wanted: Wanted) -> str:
    notes = "".join(f"# {note}\n" for note in wanted.notes)
    return f"""\
# yaml-language-server: $schema={SCHEMA}
# Every key is told in docs/reference/provider-definition.md; `conjunct provider check` finds faults.
{notes}spec: conjunct/provider@1
name: {wanted.name}
{_dump({"display": wanted.display or _spoken(wanted.name)})}
# Where the API is. A part that differs by customer is an input: "https://{{workspace}}.example.com", with
# inputs: [{{name: workspace, label: Subdomain, kind: subdomain}}]
{_dump({"base_url": wanted.base_url})}
# {_AUTH_NOTES[wanted.auth["type"]]}
{_dump({"auth": dict(wanted.auth)})}
# A harmless request that succeeds only with good credentials: bad ones are then found when a customer connects.
# check: {{path: /me}}

# What all objects have in common. A key whose variable is not set is left out of the request.
# time: how {{since}} and {{until}} are written (rfc3339, rfc3339ms, unix, unix_ms, date).
# records: where the list stands in the answer; "" when the answer is the list.
# page.style: cursor, next_url, link_header, offset, page, keyset or none.
{_dump({"defaults": wanted.defaults})}
# An object that uses {{since}} is read incrementally. What a provider supports follows from what stands here.
{_dump({"objects": wanted.objects})}
# How errors are told; `rules` give a class to those whose status says too little.
errors:
  message_at: message
"""


def _spoken(name: str) -> str:
    """`acmeCrm` and `acme-crm` as `Acme Crm`."""
    words = re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("-", " ").replace("_", " ").split()
    return " ".join(word[0].upper() + word[1:] for word in words)


class _Dumper(yaml.SafeDumper):
    """Writes no anchors."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _dump(section: Mapping[str, Any]) -> str:
    is_plain = all(isinstance(value, str) for value in section.values())
    style = False if is_plain else None  # None: innermost mappings stand on one line
    text: str = yaml.dump(
        dict(section), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110, default_flow_style=style
    )
    return text
