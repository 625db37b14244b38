"""`/crm/v3/objects/{object}`: lists, searches and single records."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

import orjson

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.hubspot import bodies, errors
from conjunct.simulators.hubspot.association_bodies import named_links, read_wanted
from conjunct.simulators.hubspot.links import Links
from conjunct.simulators.hubspot.objects import Objects, Resolve
from conjunct.simulators.hubspot.search import parse_search

_MAX_PAGE = 100
_DEFAULT_PAGE = 10


class RecordsApi:
    """Answers for the records of every object.

    `resolve` finds the object of a path or raises `HubSpotError`; `everything` lists the account's objects.
    """

    def __init__(self, resolve: Resolve, links: Links, everything: Callable[[], Sequence[Objects]]) -> None:
        self._resolve = resolve
        self._links = links
        self._all = everything

    def routes(self, base: str) -> Sequence[Route]:
        """The routes under `base`, such as `/crm/v3/objects`."""
        return (
            Route("GET", f"{base}/{{object}}", self.list, page=True),
            Route("POST", f"{base}/{{object}}/search", self.search, page=True),
            Route("POST", f"{base}/{{object}}/merge", self.merge),
            Route("POST", f"{base}/{{object}}/gdpr-delete", self.forget),
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
        results = self._rendered(objects, places, call)
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
        return Answer(body=self._rendered(objects, [place], call), records=1)

    def create(self, call: Call) -> Answer:
        """Add a record, perhaps with associations, and answer all that it holds."""
        objects = self._resolve(call.params["object"])
        body = bodies.read_object(call.body)
        wanted = read_wanted(body, objects, self._links.types, self._resolve)
        place = objects.create(body)
        for link in wanted:
            self._links.add(objects, place, *link)
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

    def merge(self, call: Call) -> Answer:
        """Make one record of two: the primary one stays, what it lacks it takes over, and the other is archived."""
        objects = self._resolve(call.params["object"])
        body = bodies.read_object(call.body)
        kept, gone = (objects.find(str(body.get(key)), None) for key in ("primaryObjectId", "objectIdToMerge"))
        if kept == gone:
            raise errors.invalid("primaryObjectId and objectIdToMerge must not be the same")
        self._links.move(objects, gone, kept, self._all())
        objects.merge(kept, gone)
        return Answer(body=objects.renderer.one(kept))

    def forget(self, call: Call) -> Answer:
        """Archive a record for good: it is not found among the archived either."""
        objects = self._resolve(call.params["object"])
        body = bodies.read_object(call.body)
        named_by = body.get("idProperty")
        objects.erase(objects.find(str(body.get("objectId")), named_by if isinstance(named_by, str) else None))
        return Answer(204)

    def _rendered(self, objects: Objects, places: Sequence[int], call: Call) -> bytes:
        """Records, with the associations that the call asks for."""
        names = objects.renderer.choose(bodies.requested(call.query))
        others = [self._resolve(name) for name in bodies.listed(call.query, "associations")]
        if not others:
            return objects.renderer.join(places, names)
        return b",".join(objects.renderer.one(place, names, self._linked(objects, place, others)) for place in places)

    def _linked(self, objects: Objects, place: int, others: Sequence[Objects]) -> dict[str, Any]:
        found = {other.kind.name: named_links(self._links, objects, place, other) for other in others}
        return {"associations": {name: {"results": links} for name, links in found.items() if links}}


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
    query = urlencode([*((name, value) for name, value in call.query.items() if name != "after"), ("after", after)])
    following = {"after": after, "link": f"{call.origin}{call.path}?{query}"}
    return b',"paging":{"next":%b}' % orjson.dumps(following)
