"""Salesforce put together: the org, routes, and what every call goes through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from conjunct.simulators.contract import Answer, Call, Handler, Route
from conjunct.simulators.errors import UnknownObject
from conjunct.simulators.options import SimulatorOptions
from conjunct.simulators.salesforce import errors, moments
from conjunct.simulators.salesforce.access import Tokens, Usage
from conjunct.simulators.salesforce.bulk_ingest_api import BulkIngestApi
from conjunct.simulators.salesforce.bulk_query_api import BulkQueryApi
from conjunct.simulators.salesforce.collections_api import CollectionsApi
from conjunct.simulators.salesforce.composite_api import CompositeApi
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.oauth_api import OAuthApi
from conjunct.simulators.salesforce.org import SALES
from conjunct.simulators.salesforce.org_api import OrgApi
from conjunct.simulators.salesforce.org_setup import SETUP, TOOLING
from conjunct.simulators.salesforce.queries_api import QueriesApi
from conjunct.simulators.salesforce.records_api import RecordsApi
from conjunct.simulators.salesforce.search_api import SearchApi
from conjunct.simulators.salesforce.soap_api import SoapApi
from conjunct.simulators.salesforce.soql import Queries
from conjunct.simulators.salesforce.tooling_api import ToolingApi
from conjunct.simulators.salesforce.writing import Writer

_ROOT = "/services/data/{version}"
_LONGEST_URL = 16_384
_VERSION = re.compile(r"v\d\d\.0")


class _Org:
    """What a reset makes anew: the records, and everything that stands on them."""

    def __init__(self, options: SimulatorOptions, usage: Usage) -> None:
        self.database = Database((*SALES, *SETUP), options)
        queries, writer = Queries(self.database), Writer(self.database)
        tooling = Database((*TOOLING, *SETUP), options)
        apis = (
            OrgApi(usage),
            QueriesApi(queries),
            SearchApi(self.database, queries),
            CollectionsApi(self.database, writer),
            RecordsApi(self.database, writer),
            BulkQueryApi(self.database, queries),
            BulkIngestApi(self.database),
            ToolingApi(self.database, tooling, moments.to_millis(options.as_of)),
        )
        inner = [route for api in apis for route in api.routes(_ROOT)]
        self.routes = [*CompositeApi(self.database, writer, inner).routes(_ROOT), *inner]


class Salesforce:
    """A Salesforce org of made-up records."""

    def __init__(self, options: SimulatorOptions) -> None:
        self._options = options
        self._tokens = Tokens(options.seed, options.token_lifetime, options.clock)
        self._usage = Usage(options.rate_limit, options.clock)
        self._oauth = OAuthApi(self._tokens, options.clock, lambda: self._org.database)
        self._soap = SoapApi(self._tokens, lambda: self._org.database)
        self.reset()

    def reset(self) -> None:
        """Return to the records, fields, tokens and counts of the start."""
        self._tokens.reset()
        self._oauth.reset()
        self._usage.reset()
        self._org = _Org(self._options, self._usage)
        self._handlers = {(route.method, route.path): route.handler for route in self._org.routes}

    def touch(self, object_name: str, count: int) -> list[str]:
        """Change records picked at random and return their ids. Raises `UnknownObject`."""
        database = self._org.database
        records = database.find(object_name)
        if records is None:
            known = ", ".join(records.kind.name for records in database)
            raise UnknownObject(f"There is no object {object_name!r}; there are: {known}.")
        return [records.record_id(place) for place in records.touch(count, database.now())]

    def error(self, status: int) -> Answer:
        """Salesforce's words for an error of this status."""
        return errors.of_status(status).answer()

    def named_error(self, status: int, code: str) -> Answer:
        """Salesforce's words for an error of this code."""
        return errors.of_code(status, code).answer()

    def routes(self) -> Sequence[Route]:
        """Every route. Those of sign-in need no token and count against no limit."""
        guarded = [
            *(replace(route, handler=self._current(route)) for route in self._org.routes),
            Route("*", "/{path:.*}", _no_such_path),
        ]
        opened = (*self._oauth.routes(), *self._soap.routes(), *OrgApi(self._usage).open_routes())
        return (
            *_with_slashes(opened),
            *_with_slashes(replace(route, handler=self._guarded(route.handler)) for route in guarded),
        )

    def _current(self, route: Route) -> Handler:
        """The route's handler of the org that there is when the call comes: a reset makes another one."""

        def handle(call: Call) -> Answer:
            if not _VERSION.fullmatch(call.params["version"]):
                raise errors.not_found()
            return self._handlers[route.method, route.path](call)

        return handle

    def _guarded(self, handler: Handler) -> Handler:
        def handle(call: Call) -> Answer:
            try:
                _check_length(call)
                self._tokens.check(call.headers)
                usage = self._usage.take()
            except SalesforceError as fault:
                return fault.answer()
            answer = _answered(handler, call)
            return replace(answer, headers={**answer.headers, **usage})

        return handle


def _check_length(call: Call) -> None:
    """Raises `SalesforceError` for a URL that is too long: a query with very many fields or values."""
    if sum(map(len, call.query.values())) * 3 > _LONGEST_URL and len(urlencode(call.query)) > _LONGEST_URL:
        raise errors.of_status(414)


def _answered(handler: Handler, call: Call) -> Answer:
    try:
        return handler(call)
    except SalesforceError as fault:
        return fault.answer()


def _with_slashes(routes: Iterable[Route]) -> Iterable[Route]:
    """Each route twice: Salesforce does not mind a slash at the end."""
    for route in routes:
        yield route
        if not route.path.endswith(".*}"):
            yield replace(route, path=f"{route.path}/")


def _no_such_path(_call: Call) -> Answer:
    raise errors.not_found()


def create(options: SimulatorOptions) -> Salesforce:
    """A new Salesforce org with the records that `options` describe."""
    return Salesforce(options)
