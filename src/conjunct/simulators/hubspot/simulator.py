"""HubSpot put together: objects, routes, and what every call goes through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conjunct.simulators.contract import Answer, Call, Handler, Route
from conjunct.simulators.errors import UnknownObject
from conjunct.simulators.hubspot import errors, moments
from conjunct.simulators.hubspot.access import ONE_SECOND, TEN_SECONDS, RateLimit, Tokens
from conjunct.simulators.hubspot.account import MAIN_OBJECTS
from conjunct.simulators.hubspot.account_api import AccountApi
from conjunct.simulators.hubspot.account_more import MORE_OBJECTS
from conjunct.simulators.hubspot.associations_api import AssociationsApi
from conjunct.simulators.hubspot.associations_v3_api import OlderAssociationsApi
from conjunct.simulators.hubspot.batches_api import BatchesApi
from conjunct.simulators.hubspot.definitions import ObjectType
from conjunct.simulators.hubspot.errors import CorrelationIds, HubSpotError
from conjunct.simulators.hubspot.events_api import EventsApi
from conjunct.simulators.hubspot.links import Links
from conjunct.simulators.hubspot.lists_api import ListsApi
from conjunct.simulators.hubspot.marketing_api import MarketingApi
from conjunct.simulators.hubspot.oauth_api import OAuthApi
from conjunct.simulators.hubspot.objects import Objects
from conjunct.simulators.hubspot.people_api import PeopleApi
from conjunct.simulators.hubspot.pipelines_api import PipelinesApi
from conjunct.simulators.hubspot.properties_api import PropertiesApi
from conjunct.simulators.hubspot.records_api import RecordsApi
from conjunct.simulators.hubspot.schemas_api import SchemasApi
from conjunct.simulators.hubspot.seeding import Seeder
from conjunct.simulators.options import SimulatorOptions

OBJECT_TYPES = (*MAIN_OBJECTS, *MORE_OBJECTS)

# The versions of the objects API that read and write alike.
_BASES = ("/crm/v3/objects", "/crm/objects/{version}")


class HubSpot:
    """A HubSpot account of made-up records."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._tokens = Tokens(options.seed, options.token_lifetime, options.clock)
        self._oauth = OAuthApi(self._tokens)
        self._limit = RateLimit(options.rate_limit, TEN_SECONDS, options.clock)
        self._searches = RateLimit(options.search_limit, ONE_SECOND, options.clock)
        self._correlation = CorrelationIds(options.seed)
        self._objects = self._fill()
        self._links = Links()
        self._lists = ListsApi(self._resolve)

    def reset(self) -> None:
        """Return to the records, properties, tokens and limits of the start."""
        self._tokens.reset()
        self._oauth.reset()
        self._limit.reset()
        self._searches.reset()
        self._correlation.reset()
        self._objects = self._fill()
        self._links.reset()
        self._lists.reset()

    def touch(self, object_name: str, count: int) -> list[str]:
        """Change records picked at random and return their ids. Raises `UnknownObject`."""
        try:
            return self._resolve(object_name).touch(count)
        except HubSpotError as fault:
            known = ", ".join(kind.name for kind in OBJECT_TYPES)
            raise UnknownObject(f"There is no object {object_name!r}; there are: {known}.") from fault

    def error(self, status: int) -> Answer:
        """HubSpot's words for an error of this status."""
        return errors.of_status(status).answer(self._correlation.next())

    def routes(self) -> Sequence[Route]:
        """Every route. Those of OAuth need no token and count against no limit."""
        batches, records = BatchesApi(self._resolve, self._links), RecordsApi(self._resolve, self._links, self._all)
        schemas = SchemasApi(self._resolve, self._all, self._add, self._drop)
        guarded = [
            *OlderAssociationsApi(self._resolve, self._links).routes(),
            *AssociationsApi(self._resolve, self._links).routes(),
            *(route for base in _BASES for api in (batches, records) for route in api.routes(base)),
            *PropertiesApi(self._resolve).routes(),
            *schemas.routes(),
            *PipelinesApi(self._resolve).routes(),
            *PeopleApi().routes(),
            *self._lists.routes(),
            *MarketingApi().routes(),
            *EventsApi(self._resolve, moments.to_millis(self._options.as_of)).routes(),
            *AccountApi().routes(),
            Route("*", "/{path:.*}", _no_such_path),
        ]
        return (
            *(replace(route, handler=self._refusing(route.handler)) for route in self._oauth.routes()),
            *(replace(route, handler=self._guarded(self._refusing(route.handler))) for route in guarded),
        )

    def _fill(self) -> dict[str, Objects]:
        """Every object under each of its names."""
        named: dict[str, Objects] = {}
        for kind in OBJECT_TYPES:
            named.update(dict.fromkeys(kind.aliases, self._make(kind, -(-self._options.records // kind.share))))
        return named

    def _make(self, kind: ObjectType, count: int) -> Objects:
        seeder = Seeder(kind, self._options.seed, count, moments.to_millis(self._options.as_of))
        return Objects(kind, seeder, self._options.clock)

    def _add(self, kind: ObjectType) -> Objects:
        made = self._make(kind, 0)
        self._objects.update(dict.fromkeys(kind.aliases, made))
        return made

    def _drop(self, objects: Objects) -> None:
        for name in objects.kind.aliases:
            self._objects.pop(name, None)

    def _all(self) -> Sequence[Objects]:
        return list(dict.fromkeys(self._objects.values()))

    def _resolve(self, name: str) -> Objects:
        objects = self._objects.get(name.lower())
        if objects is None:
            raise errors.unknown_object(name)
        return objects

    def _guarded(self, handler: Handler) -> Handler:
        def admitted(call: Call) -> Answer:
            self._tokens.check(call.headers)
            limits = self._limit.take()
            if call.path.endswith("/search"):
                limits = self._searches.take()
            answer = handler(call)
            return replace(answer, headers={**answer.headers, **limits}) if limits else answer

        return self._refusing(admitted)

    def _refusing(self, handler: Handler) -> Handler:
        def handle(call: Call) -> Answer:
            try:
                return handler(call)
            except HubSpotError as fault:
                return fault.answer(self._correlation.next())

        return handle


def _no_such_path(_call: Call) -> Answer:
    raise errors.no_such_path()


def create(options: SimulatorOptions) -> HubSpot:
    """A new HubSpot account with the records that `options` describe."""
    return HubSpot(options)
