"""The tables of providers, and how many there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from conjunct.connectors import Definition, object_support, support
from conjunct.connectors.auth_definition import ApiKeyAuth, BasicAuth, OAuth2
from conjunct.connectors.supports import ObjectSupport
from conjunct.connectors.write_query import WRITE_TYPES
from conjunct.providers import catalog
from scripts.markdown import code
from scripts.markdown import table as make_table

AMPERSANDS = {"connected": 238, "read": 139, "written": 131, "deleted": 3, "searched": 6}
"""What Ampersand's catalog, which is public, says of itself."""

_GRANTS = {
    "authorization_code": "OAuth 2",
    "client_credentials": "OAuth 2, client credentials",
    "password": "OAuth 2, password",
}
_PAGING = {
    "next_url": "next URL",
    "link_header": "Link header",
    "graphql": "GraphQL cursor",
    "page": "page number",
}


def counts() -> Iterator[str]:
    """How many providers there are, and with how many of them what can be done; beside those of Ampersand's catalog."""
    can = [support(each) for each in _every()]
    objects = [one for each in _every() for name in each.objects if (one := object_support(each, name)).read]
    ours = {
        "connected": len(can),
        "read": sum(one.read for one in can),
        "incrementally": sum(one.incremental for one in can),
        "written": sum(one.write for one in can),
        "deleted": sum(one.delete for one in can),
        "in batches": sum(bool(one.batch) for one in can),
        "searched": sum(one.search for one in can),
        "described": sum(one.describe for one in can),
        "events": sum(each.events is not None for each in _every()),
    }
    names = {
        "connected": "customers can be connected",
        "read": "records are read",
        "incrementally": "records are read incrementally",
        "written": "records are created or updated",
        "deleted": "records are deleted",
        "in batches": "many records are written with one request",
        "searched": "records are searched",
        "described": "the provider tells of its fields",
        "events": "what the provider tells by itself can be proved and read",
    }
    rows = ((names[key], str(number), str(AMPERSANDS.get(key, ""))) for key, number in ours.items())
    yield from make_table(("providers with which", "Conjunct", "Ampersand's catalog"), rows)
    yield ""
    yield f"Of what can be read there are {len(objects)} objects, those of customers' own making not counted."


def objects() -> Iterator[str]:
    """What can be done with the objects of those providers of which we know it: how many of them, mostly."""
    known = (each for each in _every() if support(each).read or support(each).write or each.events is not None)
    head = ("provider", "connected by", "read", "incremental", "written", "batches of", "deleted", "searched", "by ids")
    return make_table((*head, "events", "fields", "paging"), map(_row, known))


def table() -> Iterator[str]:
    """All providers by name: how one connects, what else the customer is asked, what can be done."""
    rows = ((code(each.name), each.display, _scheme(each), _asked(each), _does(each)) for each in _every())
    return make_table(("provider", "name", "connected by", "the customer also tells", "objects"), rows)


def _every() -> Iterator[Definition]:
    return (catalog().get(name) for name in sorted(catalog().names(), key=str.lower))


def _row(definition: Definition) -> tuple[str, ...]:
    named = [object_support(definition, name) for name in definition.object_names]
    # With a pattern alone, that is what is told of.
    each = named or [object_support(definition, name) for name in definition.objects]
    can = support(definition)
    written = ((type_, _number(getattr(one, type_) for one in each)) for type_ in WRITE_TYPES if type_ != "delete")
    batch = (f"{told.default} {type_}" for type_, told in can.batch.items())
    return (
        code(definition.name),
        _scheme(definition),
        _number(one.read for one in each) + (" and any" if can.custom_objects and can.read else ""),
        _number(one.incremental for one in each),
        ", ".join(f"{number} {type_}" for type_, number in written if number),
        ", ".join(batch),
        _number(one.delete for one in each),
        _number(one.search for one in each),
        _number(one.by_ids for one in each),
        _proof(definition),
        _fields(definition, each),
        ", ".join(_styles(definition)),
    )


def _proof(definition: Definition) -> str:
    """How it is seen that events are the provider's."""
    if definition.events is None:
        return ""
    how = definition.events.verify
    return "signed" if how.hmac is not None else "with a secret" if how.token is not None else "unproved"


def _number(those: Iterable[bool]) -> str:
    return str(sum(those) or "")


def _fields(definition: Definition, each: list[ObjectSupport]) -> str:
    """Where it is known from which fields an object has."""
    if any(one.describe for one in each):
        return "told by the provider"
    known = [definition.object(name) for name in definition.objects]
    sources = {source for one in known if one is not None and one.schema_ is not None for source in one.schema_.sources}
    return "found in records" if "sample" in sources else "known" if "static" in sources else ""


def _styles(definition: Definition) -> list[str]:
    known = [definition.object(name) for name in definition.objects]
    rules = [one.read for one in known if one is not None and one.read is not None]
    pages = [page for rule in rules for page in (rule.page, *(each.page for each in rule.variants)) if page is not None]
    return sorted({_PAGING.get(page.style, page.style) for page in pages if page.style not in (None, "none")})


def _scheme(definition: Definition) -> str:
    auth = definition.auth
    if isinstance(auth, OAuth2):
        return _GRANTS[auth.grant] + (" with PKCE" if auth.pkce else "")
    if isinstance(auth, ApiKeyAuth):
        return "API key"
    if isinstance(auth, BasicAuth):
        return "user name and password"
    if auth.steps:
        return "several steps"
    return ", ".join(each.label or each.name for each in auth.inputs)


def _asked(definition: Definition) -> str:
    return ", ".join(each.label or each.name for each in definition.inputs if each.source == "customer")


def _does(definition: Definition) -> str:
    can = support(definition)
    return ", ".join(word for word, is_done in (("read", can.read), ("written", can.write)) if is_done)
