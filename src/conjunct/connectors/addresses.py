"""Where a provider is: base URLs made of inputs, the hosts that may see credentials, and URLs put together.

Every value that becomes part of a host is checked first: an input can never lead a request to somebody else's host.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, parse_qsl, quote, urlencode, urljoin, urlsplit, urlunsplit

from conjunct.connectors.definition import Definition, Derivation, Input
from conjunct.connectors.errors import ForeignUrl
from conjunct.connectors.templates import UNSET, compile_path, compile_text
from conjunct.core.problems import Issue, Unprocessable

Origin = tuple[str, str, int]
"""Scheme, host and port."""

_SUBDOMAIN = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,190}[A-Za-z0-9])?")
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]")
_HOST_AND_PORT = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(:[0-9]{1,5})?")
_DEFAULT_PORTS = {"https": 443, "http": 80}
_PLAIN = re.compile(r"[!-~]+")


class InvalidInputs(Unprocessable):
    """What was given for the provider's inputs cannot be used."""

    slug = "invalid-provider-inputs"
    title = "The provider's inputs are not valid"


@dataclass(frozen=True, slots=True)
class Address:
    """A provider's base URL (no slash at its end) and the origins that may see credentials."""

    base_url: str
    origins: frozenset[Origin]
    _below: str | None = field(init=False, repr=False, compare=False)
    """What URLs below the base URL begin with; None where that is no place for credentials."""

    def __post_init__(self) -> None:
        below = self.base_url + "/" if _origin(_split(self.base_url)) in self.origins else None
        object.__setattr__(self, "_below", below)

    def join(self, path: str) -> str:
        """The URL of a path, or an absolute URL if it is on one of our origins. Raises `ForeignUrl`.

        `/` is the base URL itself, without a slash at its end: some APIs are one endpoint.
        """
        if path.startswith(("https://", "http://")):
            return self.own(path)
        if path == "/":
            return self.base_url
        return f"{self.base_url}/{path.lstrip('/')}"

    def own(self, url: str, seen_at: str | None = None) -> str:
        """A URL that the provider gave, made absolute by where it was seen. Raises `ForeignUrl` if not its own."""
        if self._below is not None and url.startswith(self._below) and _PLAIN.fullmatch(url):
            return url  # the usual case, for every page of a long read; taking URLs apart is slow
        try:
            full = urljoin(seen_at or self.base_url + "/", url)
        except ValueError:
            full = ""
        origin = _origin(_split(full))
        if origin is None or origin not in self.origins:
            shown = f"{origin[0]}://{origin[1]}" if origin else "something that is no address"
            raise ForeignUrl(f"the provider names a page on {shown}, which is not its own; it is not followed")
        return full


def checked_inputs(
    definition: Definition, inputs: Mapping[str, str], *, optional: frozenset[str] = frozenset()
) -> dict[str, str]:
    """The inputs with defaults filled in, each checked by its kind and pattern. Raises `InvalidInputs`.

    Only what every customer must tell has to be there, and of that not what is in `optional`. What follows from other
    inputs is made of them, whatever is given.
    """
    values: dict[str, str] = {}
    issues: list[Issue] = []
    for each in definition.inputs:
        given = _derived(each.derive, values) if each.derive is not None else inputs.get(each.name)
        given = each.default if given is None else given
        if given is None or not given.strip():
            if each.name not in optional and definition.requires(each):
                issues.append(Issue(each.name, "it is missing", remedy=each.hint))
            continue
        try:
            values[each.name] = _checked(each, given.strip())
        except ValueError as error:
            issues.append(Issue(each.name, str(error), value=given, remedy=each.hint))
    if issues:
        raise InvalidInputs(f"{issues[0].name}: {issues[0].detail}", issues=issues)
    return values


def first_address(definition: Definition, inputs: Mapping[str, str], override: str | None = None) -> Address:
    """Where the provider is while it is still to be looked up where the account is (`after_connect`).

    As much of the base URL as is known. Where not even its host is, there is no base URL: requests then name their own
    hosts in full. Raises as `address_of`.
    """
    missing = compile_text(definition.base_url).names - inputs.keys()
    if override is not None or not missing:
        return address_of(definition, inputs, override)
    known = re.match(
        r"https?://[^/]+(/[^/]+)*?(?=/[^/]*\{(" + "|".join(map(re.escape, missing)) + r")\b)", definition.base_url
    )
    if known is None or compile_text(known[0]).names & missing:
        return Address("", _origins(definition, inputs))
    base = _base_url(str(compile_text(known[0]).render(inputs)))
    return Address(base, _origins(definition, inputs, base))


def address_of(definition: Definition, inputs: Mapping[str, str], override: str | None = None) -> Address:
    """Where the provider is for checked inputs. `override` (a simulator's URL) stands in for all of its hosts."""
    if override is not None:
        base = _base_url(override)
        return Address(base, frozenset(_known_origins(base)))
    rendered = compile_text(definition.base_url).render(inputs)
    if rendered is UNSET:
        raise InvalidInputs("The base URL needs an input that is not given.")
    base = _base_url(str(rendered))
    return Address(base, _origins(definition, inputs, base))


def endpoint(definition: Definition, template: str, inputs: Mapping[str, str], override: str | None = None) -> str:
    """The URL of an endpoint outside the API (where a customer agrees, where tokens are bought), for checked inputs.

    `override` stands in for its host, as for all of the provider's. Raises `InvalidInputs`, `UnusableValue`.
    """
    urls = frozenset(each.name for each in definition.inputs if each.kind == "url")
    parts = _split(compile_path(template, raw=urls).render(inputs))
    if _origin(parts) is None:
        raise InvalidInputs("With what is given, the provider's address is none that can be called.")
    if override is None:
        return urlunsplit(parts)
    base = _split(_base_url(override))
    return urlunsplit(parts._replace(scheme=base.scheme, netloc=base.netloc, path=base.path + parts.path))


def with_query(url: str, query: Mapping[str, Any]) -> str:
    """The URL with these parameters, in place of any of the same names; a list gives a parameter for each item."""
    if not query:
        return url
    parts = _split(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in query]
    return urlunsplit(parts._replace(query=encode_form([*kept, *query.items()])))


def without_query(url: str, names: Mapping[str, str]) -> str:
    """The URL without parameters of these names (secrets are not kept in page tokens)."""
    if not names:
        return url
    parts = _split(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in names]
    return urlunsplit(parts._replace(query=encode_form(kept)))


def encode_form(pairs: list[tuple[str, Any]]) -> str:
    """Pairs as `a=1&b=2`; lists are repeated, true and false are words."""
    flat = [
        (name, "true" if item is True else "false" if item is False else str(item))
        for name, value in pairs
        for item in (value if isinstance(value, list) else [value])
    ]
    return urlencode(flat, quote_via=quote, safe="")


def _derived(rule: Derivation, values: Mapping[str, str]) -> str | None:
    for pattern, text in rule.cases.items():
        found = re.fullmatch(pattern, values.get(rule.from_, ""))
        if found is not None:
            made = compile_text(text).render({**values, **found.groupdict()})
            return None if made is UNSET else str(made)
    return None


def _checked(each: Input, value: str) -> str:
    if each.kind == "url":
        value = _base_url(value)
    elif each.kind == "host":
        value = value.removeprefix("https://").rstrip("/")
        if _HOST_AND_PORT.fullmatch(value) is None or ".." in value:
            raise ValueError("it is not the name of a host such as crm.example.com")
    elif each.kind == "subdomain" and (_SUBDOMAIN.fullmatch(value) is None or ".." in value):
        raise ValueError("it is not a part of a host name: only letters, digits, dots and hyphens")
    if not value.isprintable():
        raise ValueError("it has characters that cannot be sent")
    if each.pattern is not None and re.fullmatch(each.pattern, value) is None:
        raise ValueError(f"it does not look as expected ({each.pattern})")
    return value


def _base_url(text: str) -> str:
    """A base URL without a slash at its end; a bare host means https. Raises ValueError."""
    parts = _split(text if "://" in text else f"https://{text}")
    if parts.scheme not in _DEFAULT_PORTS or _origin(parts) is None:
        raise ValueError("it is not an http or https address such as https://redmine.example.com")
    if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
        raise ValueError("an address here has no user, query or fragment")
    if any(segment in (".", "..") for segment in parts.path.split("/")) or not text.isprintable() or " " in text:
        raise ValueError("it is not a plain address")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def _origin(parts: SplitResult) -> Origin | None:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    bare = f"[{host}]" if host and ":" in host else host
    if parts.scheme not in _DEFAULT_PORTS or not bare or _HOST.fullmatch(bare) is None or "\\" in parts.netloc:
        return None
    return (parts.scheme, bare.lower(), port if port is not None else _DEFAULT_PORTS[parts.scheme])


def _origins(definition: Definition, inputs: Mapping[str, str], *urls: str) -> frozenset[Origin]:
    """The origins of these and of the definition's other hosts, as far as they are known."""
    hosts = (compile_text(host).render(inputs) for host in definition.extra_hosts)
    return frozenset(_known_origins(*urls, *(f"https://{host}" for host in hosts if host is not UNSET)))


def _known_origins(*urls: str) -> list[Origin]:
    return [origin for url in urls if (origin := _origin(_split(url))) is not None]
