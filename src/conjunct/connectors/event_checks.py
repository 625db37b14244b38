"""What the models cannot check of `events`: one way of several, templates, paths and regular expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from conjunct.connectors.check_parts import Fault, Path, check_path, check_pattern, check_request, check_template
from conjunct.connectors.event_definition import (
    REGISTRATION_VARIABLES,
    SIGNED_VARIABLES,
    EventRule,
    Events,
    Hmac,
    Registration,
)

_HERE: Path = ("events",)


def check_events(events: Events, inputs: frozenset[str], objects: frozenset[str]) -> Iterator[Fault]:
    """Every fault of the section. `objects` are the names that the definition lists."""
    yield from _one_of((*_HERE, "verify"), events.verify, ("hmac", "token", "none"))
    if events.verify.hmac is not None:
        yield from _check_hmac((*_HERE, "verify", "hmac"), events.verify.hmac)
    if events.verify.token is not None:
        yield from _one_of((*_HERE, "verify", "token"), events.verify.token, ("header", "query", "at"))
        yield from check_path((*_HERE, "verify", "token", "at"), events.verify.token.at)
    for index, challenge in enumerate(events.challenge):
        place = (*_HERE, "challenge", index)
        yield from _one_of(place, challenge, ("query", "at", "header"))
        for path in (challenge.at, *challenge.when):
            yield from check_path(place, path)
    yield from check_path((*_HERE, "each"), events.each)
    yield from check_path((*_HERE, "within"), events.within)
    yield from _check_event((*_HERE, "event"), events.event, inputs)
    yield from _check_setup(events, inputs)
    # A definition that knows no object yet may tell of some all the same.
    if objects and "*" not in objects:
        yield from _check_names(events, objects)


def _check_names(events: Events, objects: frozenset[str]) -> Iterator[Fault]:
    for name in sorted(events.offers.keys() - objects):
        yield Fault((*_HERE, "offers", name), "the definition has no such object")
    for name in sorted(set(events.event.objects.values()) - objects):
        yield Fault((*_HERE, "event", "objects"), f"the definition has no object '{name}'")


def _check_hmac(path: Path, rule: Hmac) -> Iterator[Fault]:
    used = set(re.findall(r"\{(\w*)\}", rule.signed))
    for name in sorted(used - SIGNED_VARIABLES):
        yield Fault((*path, "signed"), f"there is no variable '{name}' here")
    if "body" not in used:
        yield Fault((*path, "signed"), "what does not depend on {body} proves nothing of it")
    if "timestamp" in used and rule.timestamp is None:
        yield Fault((*path, "signed"), "nothing says where {timestamp} stands")
    if rule.timestamp is not None:
        yield from _one_of((*path, "timestamp"), rule.timestamp, ("header", "part", "at"))
        yield from check_path((*path, "timestamp", "at"), rule.timestamp.at)
        if rule.timestamp.at is None and "timestamp" not in used:
            yield Fault((*path, "timestamp"), "a time that is not signed proves nothing")


def _check_event(path: Path, rule: EventRule, inputs: frozenset[str]) -> Iterator[Fault]:
    places = [
        ((key, index), place) for key in ("name", "object", "id") for index, place in enumerate(getattr(rule, key))
    ]
    places += [(("account", 0), rule.account)] if rule.account is not None else []
    for key, place in places:
        yield from _one_of((*path, *key), place, ("at", "outer", "envelope", "header", "query"))
        for name in ("at", "outer", "envelope"):
            yield from check_path((*path, *key, name), getattr(place, name))
        yield from check_pattern((*path, *key, "part"), place.part)
        if place.part is not None and "(" not in place.part:
            yield Fault((*path, *key, "part"), "it needs a group, which is what is meant")
    for pattern in rule.kinds:
        yield from check_pattern((*path, "kinds", pattern), pattern)
    for name, form in rule.id_as.items():
        yield from check_template((*path, "id_as", name), form, frozenset({"id"}))
    for name in ("changed", "time"):
        part = getattr(rule, name)
        yield from check_path((*path, name, "at"), part.at if part is not None else None)
    yield from check_path((*path, "record"), rule.record)
    if rule.account_input is not None and rule.account_input not in inputs:
        yield Fault((*path, "account_input"), f"there is no input '{rule.account_input}'")


def _check_setup(events: Events, inputs: frozenset[str]) -> Iterator[Fault]:
    if (events.setup == "api") != (events.register_ is not None):
        yield Fault((*_HERE, "setup"), "'api' needs 'register', and nothing else has it")
    if events.register_ is not None:
        yield from _check_registration((*_HERE, "register"), events.register_, inputs)


def _check_registration(path: Path, rule: Registration, inputs: frozenset[str]) -> Iterator[Fault]:
    known = inputs | REGISTRATION_VARIABLES
    for name, at in rule.keep.items():
        yield from check_path((*path, "keep", name), at)
    for key in ("create", "update", "remove", "renew"):
        request = getattr(rule, key)
        if request is not None:
            names = known if key == "create" else known | rule.keep.keys()
            yield from check_request((*path, key), request, names)
    if rule.renew_every is not None and rule.renew is None:
        yield Fault((*path, "renew_every"), "nothing says how it is renewed")


def _one_of(path: Path, model: Any, names: tuple[str, ...]) -> Iterator[Fault]:
    if sum(getattr(model, name) is not None for name in names) != 1:
        yield Fault(path, f"one of {', '.join(names)} must be given")
