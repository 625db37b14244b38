"""What the models cannot check of how a provider authenticates, and of the inputs that go with it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from conjunct.connectors.auth_definition import (
    RESERVED,
    BasicAuth,
    CustomAuth,
    FromToken,
    OAuth2,
    RedirectStep,
    RequestStep,
    TokenExchange,
    TokenFact,
)
from conjunct.connectors.check_parts import Fault, Path, check_path, check_pattern, check_request, check_template
from conjunct.connectors.definition import Definition, Input, LookUp
from conjunct.connectors.host_checks import check_host

_OURS = frozenset({"redirect_uri", "state"})
_CUSTOM_OURS = frozenset({"access_token", "assertion", *_OURS})
_APP_VALUES = frozenset({"clientId", "clientSecret"})


def check_inputs(definition: Definition) -> Iterator[Fault]:
    """Faults of the inputs, and of what should tell those that the customer does not."""
    told = _told(definition)
    seen: set[str] = set()
    for index, each in enumerate(definition.inputs):
        path: Path = ("inputs", index)
        if each.name in seen:
            yield Fault((*path, "name"), f"there are two inputs '{each.name}'")
        yield from check_pattern((*path, "pattern"), each.pattern)
        for position, name in enumerate(each.modules):
            if name not in definition.modules:
                yield Fault((*path, "modules", position), f"there is no module '{name}'")
        if each.source in told and each.name not in told[each.source]:
            yield Fault((*path, "source"), f"nothing tells '{each.name}': {_TELLERS[each.source]} does not name it")
        yield from _derivation(path, each, seen)
        seen.add(each.name)
    for index, app_input in enumerate(definition.app_inputs):
        for position, name in enumerate(app_input.modules):
            if name not in definition.modules:
                yield Fault(("app_inputs", index, "modules", position), f"there is no module '{name}'")


def check_auth(definition: Definition, inputs: frozenset[str]) -> Iterator[Fault]:
    """Faults of `auth`."""
    if isinstance(definition.auth, CustomAuth):
        yield from _custom(definition, definition.auth, inputs)
    elif isinstance(definition.auth, OAuth2):
        yield from _oauth(definition, definition.auth, inputs)
    elif isinstance(definition.auth, BasicAuth) and definition.auth.aws is not None:
        yield from check_template(("auth", "aws", "region"), definition.auth.aws.region, inputs)
        if definition.auth.key_as is not None:
            yield Fault(("auth", "key_as"), "a signature needs both a key's id and its secret")


def check_look_ups(definition: Definition, inputs: frozenset[str]) -> Iterator[Fault]:
    """Faults of `after_connect`."""
    for index, rule in enumerate(definition.after_connect):
        path: Path = ("after_connect", index)
        yield from check_request((*path, "request"), rule.request, inputs)
        yield from check_path((*path, "list"), rule.list_)
        for place, text in rule.match.items():
            yield from check_path((*path, "match", place), place)
            yield from check_template((*path, "match", place), text, inputs)
        if rule.match and rule.list_ is None:
            yield Fault((*path, "match"), "there is no 'list' of which one entry matches")
        yield from _look_up_facts(definition, path, rule)


_TELLERS = {"callback": "auth.from_callback", "token": "auth.from_token", "provider": "after_connect"}


def _told(definition: Definition) -> dict[str, set[str]]:
    auth = definition.auth
    callback: set[str] = set()
    token: set[str] = set()
    if isinstance(auth, OAuth2):
        callback = set(auth.from_callback)
    source = auth.from_token if isinstance(auth, OAuth2) else None
    if isinstance(auth, CustomAuth) and auth.token is not None:
        source = auth.token.from_token
    if source is not None:
        token = {*source.facts, *(["workspace"] if source.workspace is not None else [])}
    return {
        "callback": callback,
        "token": token,
        "provider": {name for rule in definition.after_connect for name in rule.take},
    }


def _derivation(path: Path, each: Input, seen: set[str]) -> Iterator[Fault]:
    if (each.derive is not None) != (each.source == "derived"):
        yield Fault((*path, "source"), "'source: derived' and 'derive' go together")
    if each.derive is None:
        return
    if each.derive.from_ not in seen:
        yield Fault((*path, "derive", "from"), f"there is no input '{each.derive.from_}' before this one")
    for pattern, text in each.derive.cases.items():
        faults = list(check_pattern((*path, "derive", "cases", pattern), pattern))
        yield from faults
        groups = frozenset() if faults else frozenset(re.compile(pattern).groupindex)
        yield from check_template((*path, "derive", "cases", pattern), text, groups | seen)


def _oauth(definition: Definition, auth: OAuth2, inputs: frozenset[str]) -> Iterator[Fault]:
    # Clients of the other grants are the customer's own: they may go to the customer's own server.
    guarded = auth.grant == "authorization_code"
    for key in ("authorize_url", "token_url", "refresh_url"):
        url = getattr(auth, key)
        if url is not None:
            yield from check_template(("auth", key), url, inputs)
            yield from check_host(definition, ("auth", key), url, guarded=guarded)
    of_app = frozenset(each.name for each in definition.app_inputs if each.at == "provider")
    for key in ("authorize_params", "token_params"):
        yield from check_template(("auth", key), getattr(auth, key), inputs | of_app)
        for name in sorted(RESERVED & getattr(auth, key).keys()):
            yield Fault(("auth", key, name), "the flow itself sets this parameter")
    yield from check_template(("auth", "token_headers"), auth.token_headers, inputs)
    yield from _names(auth)
    yield from check_template(("auth", "scope_templates"), auth.scope_templates, inputs)
    yield from _facts(definition, ("auth", "from_callback"), auth.from_callback, "callback")
    yield from _from_token(definition, ("auth", "from_token"), auth.from_token)
    if auth.revoke is not None:
        known = inputs | {"token"}
        yield from check_template(("auth", "revoke", "url"), auth.revoke.url, known)
        yield from check_host(
            definition, ("auth", "revoke", "url"), auth.revoke.url, guarded=guarded, known=frozenset({"token"})
        )
        yield from check_template(("auth", "revoke", "params"), auth.revoke.params, known)


def _names(auth: OAuth2) -> Iterator[Fault]:
    for name in auth.names:
        if name not in RESERVED | {"refresh_token", "username", "password", "audience"}:
            yield Fault(("auth", "names", name), f"the standard has no parameter '{name}'")


def _from_token(definition: Definition, path: Path, source: FromToken) -> Iterator[Fault]:
    for key in ("access_token", "refresh_token", "expires_in", "expires_at", "scopes", "consumer", "workspace"):
        yield from check_path((*path, key), getattr(source, key))
    for name, rule in source.facts.items():
        yield from check_path((*path, "facts", name, "at"), rule.at)
    yield from _facts(definition, (*path, "facts"), source.facts, "token")


def _facts(definition: Definition, path: Path, facts: Mapping[str, TokenFact], source: str) -> Iterator[Fault]:
    """Facts are inputs from then on, so each is declared as one, with who tells it."""
    sources = {each.name: each.source for each in definition.inputs}
    for name, rule in facts.items():
        yield from check_pattern((*path, name, "capture"), rule.capture)
        if sources.get(name) != source:
            yield Fault((*path, name), f"there is no input '{name}' with 'source: {source}'")


def _look_up_facts(definition: Definition, path: Path, rule: LookUp) -> Iterator[Fault]:
    facts = {name: each if isinstance(each, TokenFact) else TokenFact(at=each) for name, each in rule.take.items()}
    for name, fact in facts.items():
        yield from check_path((*path, "take", name), fact.at)
    yield from _facts(definition, (*path, "take"), facts, "provider")


def _custom(definition: Definition, auth: CustomAuth, inputs: frozenset[str]) -> Iterator[Fault]:
    given = frozenset(each.name for each in auth.inputs)
    of_app = frozenset(each.name for each in auth.app_inputs)
    for index, each in enumerate(auth.app_inputs):
        if each.name not in _APP_VALUES:
            yield Fault(("auth", "app_inputs", index, "name"), "it is clientId or clientSecret, of the provider app")
    for name, rule in auth.unpack.items():
        if rule.from_ not in given:
            yield Fault(("auth", "unpack", name, "from"), f"there is no input '{rule.from_}'")
        yield from check_path(("auth", "unpack", name, "at"), rule.at)
    known = given | frozenset(auth.unpack)
    for index, step in enumerate(auth.steps):
        yield from _step(definition, ("auth", "steps", index), step, known | inputs | of_app, guarded=bool(of_app))
        known |= frozenset(step.take)
    composed = known | frozenset(auth.compose) | {"access_token"}
    yield from check_template(("auth", "compose"), auth.compose, known | {"access_token"})
    for index, name in enumerate(auth.keep or ()):
        if name not in known:
            yield Fault(("auth", "keep", index), f"there is no value '{name}' to keep")
    if auth.token is not None:
        yield from _exchange(definition, auth.token, composed | inputs | of_app, guarded=bool(of_app))
    for key in ("headers", "query"):
        yield from check_template(
            ("auth", key), getattr(auth, key), composed if auth.token else composed - _CUSTOM_OURS
        )


def _step(
    definition: Definition, path: Path, step: RedirectStep | RequestStep, known: frozenset[str], *, guarded: bool
) -> Iterator[Fault]:
    if isinstance(step, RedirectStep):
        url = step.redirect.partition("?")[0]
        yield from check_template((*path, "redirect"), step.redirect, known | _OURS)
        yield from check_host(definition, (*path, "redirect"), url, guarded=guarded, known=known)
        yield from check_template((*path, "params"), step.params, known | _OURS)
        return
    yield from check_request((*path, "request"), step.request, known)
    target = step.request.path or ""
    if target.startswith(("https://", "http://", "{")):
        yield from check_host(definition, (*path, "request", "path"), target, guarded=guarded, known=known)
    if step.basic is not None:
        yield from check_template((*path, "basic"), step.basic, known)
    for name, place in step.take.items():
        yield from check_path((*path, "take", name), place)


def _exchange(
    definition: Definition, exchange: TokenExchange, known: frozenset[str], *, guarded: bool
) -> Iterator[Fault]:
    path: Path = ("auth", "token")
    yield from check_template((*path, "url"), exchange.url, known)
    yield from check_host(definition, (*path, "url"), exchange.url, guarded=guarded, known=known)
    rule = exchange.assertion
    sent = known if rule is None else known | {"assertion"}
    for key in ("headers", "params", "basic"):
        yield from check_template((*path, key), getattr(exchange, key) or "", sent)
    if rule is not None:
        for key in ("key", "headers", "claims"):
            yield from check_template((*path, "assertion", key), getattr(rule, key), known)
        for name in sorted({"iat", "exp", "jti"} & rule.claims.keys()):
            yield Fault((*path, "assertion", "claims", name), "this claim is made by us")
    yield from _from_token(definition, (*path, "from_token"), exchange.from_token)
