"""`/crm/v3/objects/{object}`: lists, searches and single records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from urllib.parse import urlencode

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.objects import Objects
from conjunct.simulators.hubspot.search import parse_search

_MAX_PAGE = 100
_DEFAULT_PAGE = 10

Resolve = Callable[[str], Objects]


class RecordsApi:
    """Answers for the records of every object; `resolve` finds the object of a path or raises `HubSpotError`."""

    def __init__(self, resolve: Resolve) -> None:
        self._resolve = resolve

    def routes(self, base: str) -> Sequence[Route]:
        """The routes under `base`, such as `/crm/v3/objects`."""
        return (
            Route("GET", f"{base}/{{object}}", self.list, page=True),
            Route("POST", f"{base}/{{object}}/search", self.search, page=True),
            Route("POST", f"{base}/{{object}}", self.create),
            Route("GET", f"{base}/{{object}}/{{id}}", self.get),
            Route("PATCH", f"{base}/{{object}}/{{id}}", self.update),
            Route("DELETE", f"{base}/{{object}}/{{id}}", self.archive),
        )

    def list(self, call: Call) -> Answer:
        """A page in the order of ids; `after` is the id to go on from."""
        objects = self._resolve(call.params["object"])
        limit = _limit(call.query.get("limit"))
        start = _start(call.query.get("after"), objects)
        places, following = objects.page(start, limit, archived=bodies.flag(call.query, "archived"))
        results = objects.renderer.join(places, objects.renderer.choose(bodies.requested(call.query)))
        paging = b"" if following is None else _next_page(call, objects.store.record_id(following))
        return Answer(body=b'{"results":[%b]%b}' % (results, paging), records=len(places))

    def search(self, call: Call) -> Answer:
        """A page of a search's results; `after` is how many to skip."""
        objects = self._resolve(call.params["object"])
        search = parse_search(bodies.read_object(call.body), objects.store)
        found = objects.searches.places(search.query)
        end = search.after + search.limit
        places = found[search.after : end]
        results = objects.renderer.join(places, objects.renderer.choose(search.properties))
        paging = b',"paging":{"next":{"after":"%d"}}' % end if end < len(found) else b""
        return Answer(body=b'{"total":%d,"results":[%b]%b}' % (len(found), results, paging), records=len(places))

    def get(self, call: Call) -> Answer:
        """One record."""
        objects = self._resolve(call.params["object"])
        archived = bodies.flag(call.query, "archived")
        place = objects.find(call.params["id"], call.query.get("idProperty"), archived=archived)
        names = objects.renderer.choose(bodies.requested(call.query))
        return Answer(body=objects.renderer.join([place], names), records=1)

    def create(self, call: Call) -> Answer:
        """Add a record and answer all that it holds."""
        objects = self._resolve(call.params["object"])
        place = objects.create(bodies.read_object(call.body))
        return Answer(201, objects.renderer.one(place))

    def update(self, call: Call) -> Answer:
        """Change a record and answer all that it holds."""
        objects = self._resolve(call.params["object"])
        place = objects.find(call.params["id"], call.query.get("idProperty"))
        objects.update(place, bodies.read_object(call.body))
        return Answer(body=objects.renderer.one(place))

    def archive(self, call: Call) -> Answer:
        """Archive a record; a second time nothing happens."""
        objects = self._resolve(call.params["object"])
        place = objects.store.place(call.params["id"])
        if place is None:
            raise errors.not_found()
        objects.archive(place)
        return Answer(204)


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT_PAGE
    if not text.isdecimal() or not 1 <= int(text[:9]) <= _MAX_PAGE:
        raise errors.invalid(f"limit must be between 1 and {_MAX_PAGE}, not '{text}'")
    return int(text)


def _start(after: str | None, objects: Objects) -> int:
    if not after:
        return 0
    if not after.isdecimal() or len(after) > 18:
        raise errors.invalid(f'Cannot deserialize value of type `long` from String "{after}": not a valid `after`')
    return max(0, int(after) - objects.kind.first_id)


def _next_page(call: Call, after: str) -> bytes:
    query = urlencode({**call.query, "after": after})
    following = {"after": after, "link": f"{call.origin}{call.path}?{query}"}
    return b',"paging":{"next":%b}' % orjson.dumps(following)
