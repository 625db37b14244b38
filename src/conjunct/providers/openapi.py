"""What an OpenAPI 3 document tells of a provider to be: its address, its auth, and the lists that it has. Pure.

A document says which requests there are, not how a page leads to the next or what has changed since: that is guessed by
the usual names, and to be checked by whoever goes on from here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from conjunct.core.problems import Unprocessable
from conjunct.providers.scaffold import Wanted

MAX_OBJECTS = 300
MAX_FIELDS = 200
_MAX_DEPTH = 20

_SIZES: Final = ("limit", "per_page", "perpage", "page_size", "pagesize", "count", "top", "$top", "max_results")
_CURSORS: Final = ("cursor", "page_token", "pagetoken", "next_token", "nexttoken", "starting_after", "after")
_OFFSETS: Final = ("offset", "skip", "$skip", "start")
_PAGES: Final = ("page", "page_number", "pagenumber")
_SINCE: Final = (
    *("updated_since", "modified_since", "changed_since", "updated_after", "modified_after", "changed_after"),
    *(
        "updatedsince",
        "modifiedsince",
        "updatedafter",
        "modifiedafter",
        "updated_at_min",
        "last_modified_after",
        "since",
    ),
)
_NEXT_CURSORS: Final = (
    *("next_cursor", "nextcursor", "next_page_token", "nextpagetoken", "next_token", "nexttoken", "cursor"),
    *("end_cursor", "endcursor", "after"),
)
_NEXT_URLS: Final = ("next", "next_url", "nexturl", "next_page_url", "next_page", "nextlink", "@odata.nextlink")
_WRAPPERS: Final = ("data", "items", "results", "records", "value", "entries", "list")
_INSIDE: Final = ("meta", "metadata", "paging", "pagination", "page_info", "pageinfo", "links", "_links")


class UnusableDocument(Unprocessable):
    """The document is not one from which a definition can be made."""

    slug = "unusable-openapi-document"
    title = "No definition can be made of this document"


def wanted_from(name: str, document: object) -> Wanted:
    """What to scaffold. Raises `UnusableDocument`."""
    if not isinstance(document, dict) or not str(document.get("openapi", "")).startswith("3"):
        raise UnusableDocument("This is not an OpenAPI 3 document.", remedy="Older ones can be converted to OpenAPI 3.")
    reader = _Reader(document)
    objects = reader.objects()
    if not objects:
        raise UnusableDocument("The document has no list of records.", remedy="Run `provider new` without it.")
    title = reader.map(document.get("info")).get("title")
    found = Wanted(
        name,
        display=title[:80] if isinstance(title, str) else "",
        auth=reader.auth() or Wanted(name).auth,
        defaults={"time": "rfc3339", "schema": {"source": "sample"}},
        objects=objects,
        notes=("Made of an OpenAPI document: paging and {since} are guesses by the usual names; try each object.",),
    )
    return found.with_choices(base_url=reader.base_url(), auth=None)


class _Reader:
    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def map(self, value: Any) -> dict[str, Any]:
        """A mapping, with a reference within the document followed; anything else is an empty one."""
        for _ in range(_MAX_DEPTH):
            if not isinstance(value, dict):
                return {}
            reference = value.get("$ref")
            if not isinstance(reference, str):
                return value
            value = self._document if reference.startswith("#/") else None
            for part in reference.removeprefix("#/").split("/"):
                key = part.replace("~1", "/").replace("~0", "~")
                value = value.get(key) if isinstance(value, dict) else None
        return {}

    def base_url(self) -> str | None:
        """The first server's, its variables having their defaults."""
        servers = self._document.get("servers")
        server = self.map(servers[0]) if isinstance(servers, list) and servers else {}
        url = server.get("url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            return None
        variables = self.map(server.get("variables"))
        return re.sub(r"\{(\w+)\}", lambda found: str(self.map(variables.get(found[1])).get("default", "example")), url)

    def auth(self) -> dict[str, Any] | None:
        """The first scheme that a definition has a section for."""
        schemes = self.map(self.map(self._document.get("components")).get("securitySchemes"))
        for scheme in map(self.map, schemes.values()):
            found = self._scheme(scheme)
            if found is not None:
                return found
        return None

    def _scheme(self, scheme: dict[str, Any]) -> dict[str, Any] | None:
        kind, how = scheme.get("type"), str(scheme.get("scheme", "")).lower()
        if kind == "apiKey" and scheme.get("in") in ("header", "query"):
            return {"type": "apiKey", "in": scheme["in"], "name": str(scheme.get("name", "Authorization"))}
        if kind == "http" and how == "basic":
            return {"type": "basic"}
        if kind == "http" and how == "bearer":
            return {"type": "apiKey", "in": "header", "name": "Authorization", "prefix": "Bearer "}
        flow = self.map(self.map(scheme.get("flows")).get("authorizationCode"))
        urls = flow.get("authorizationUrl"), flow.get("tokenUrl")
        if kind == "oauth2" and all(isinstance(url, str) and url.startswith("https://") for url in urls):
            return {"type": "oauth2", "authorize_url": urls[0], "token_url": urls[1]}
        return None

    def objects(self) -> dict[str, Any]:
        """Objects by name: one for each path without parameters whose GET answers a list."""
        paths = self.map(self._document.get("paths"))
        objects: dict[str, Any] = {}
        for path in paths:
            if "{" in path or len(objects) == MAX_OBJECTS:
                continue
            listed = self._listed(self.map(paths[path]), path)
            if listed is None:
                continue
            segments = [each for each in path.strip("/").removesuffix(".json").split("/") if each]
            short = segments[-1] if segments else "records"
            name = short if short not in objects else "_".join(segments)
            objects[name] = listed | self._written(paths, path)
        return objects

    def _listed(self, item: dict[str, Any], path: str) -> dict[str, Any] | None:
        operation = self.map(item.get("get"))
        answer = self._answer(operation)
        found = self._records(answer, path)
        if found is None:
            return None
        records, entry = found
        parameters = self._parameters(item) | self._parameters(operation)
        size = _first(parameters, _SIZES)
        query = {} if size is None else {size: "{page_size}"}
        page = self._page(parameters, query, answer)
        if size is not None and page["style"] != "none":
            page["size"] = _size(parameters[size])
        since = _first(parameters, _SINCE)
        if since is not None:
            query[since] = "{since}"
        request = {"path": path, **({"query": query} if query else {})}
        fields = self._fields(entry)
        key = next((each for each in ("id", "uuid", "key", "_id", "Id") if each in fields), None)
        read = {"request": request, "records": records, **({"id": key} if key else {}), "page": page}
        return {"read": read, **({"schema": {"fields": fields}} if fields else {})}

    def _answer(self, operation: dict[str, Any]) -> dict[str, Any]:
        responses: dict[Any, Any] = self.map(operation.get("responses"))  # YAML has numbers for keys
        for status in ("200", 200, "201", 201, "2XX", "default"):
            content = self.map(self.map(responses.get(status)).get("content"))
            for kind, media in content.items():
                if "json" in kind:
                    return self._schema(self.map(media).get("schema"))
        return {}

    def _schema(self, value: Any) -> dict[str, Any]:
        """A schema, with the properties of all that it is made of."""
        schema = self.map(value)
        parts = schema.get("allOf")
        if not isinstance(parts, list):
            return schema
        properties = dict(self.map(schema.get("properties")))
        for part in parts[:_MAX_DEPTH]:
            properties |= self.map(self.map(part).get("properties"))
        return {**schema, "type": "object", "properties": properties}

    def _records(self, answer: dict[str, Any], path: str) -> tuple[str, dict[str, Any]] | None:
        """Where the list stands in an answer, and the schema of its entries."""
        if "array" in _types(answer):
            return "", self._schema(answer.get("items"))
        lists = {
            name: self._schema(each.get("items"))
            for name, value in self.map(answer.get("properties")).items()
            if "array" in _types(each := self.map(value)) and "." not in name
        }
        last = path.rstrip("/").rpartition("/")[2].removesuffix(".json")
        name = next((each for each in (last, *_WRAPPERS) if each in lists), None)
        if name is None and len(lists) == 1 and "object" in _types(next(iter(lists.values()))):
            name = next(iter(lists))
        return None if name is None else (name, lists[name])

    def _parameters(self, item: dict[str, Any]) -> dict[str, dict[str, Any]]:
        given = item.get("parameters")
        each = [self.map(one) for one in given] if isinstance(given, list) else []
        return {str(one.get("name")): self.map(one.get("schema")) for one in each if one.get("in") == "query"}

    def _page(self, parameters: Mapping[str, Any], query: dict[str, str], answer: dict[str, Any]) -> dict[str, Any]:
        cursor = _first(parameters, _CURSORS)
        at = self._place(answer, _NEXT_CURSORS)
        if cursor is not None and at is not None:
            query[cursor] = "{cursor}"
            return {"style": "cursor", "at": at}
        url = self._place(answer, _NEXT_URLS)
        if url is not None:
            return {"style": "next_url", "at": url}
        for style, names in (("offset", _OFFSETS), ("page", _PAGES)):
            name = _first(parameters, names)
            if name is not None:
                query[name] = f"{{{style}}}"
                return {"style": style}
        return {"style": "none"}

    def _place(self, answer: dict[str, Any], names: tuple[str, ...]) -> str | None:
        """Where in an answer a text of one of these names stands."""
        properties = self.map(answer.get("properties"))
        inside = [
            (f"{key}.", self.map(self.map(properties[key]).get("properties")))
            for key in properties
            if key.lower() in _INSIDE
        ]
        for prefix, known in (("", properties), *inside):
            name = _first(
                {key: value for key, value in known.items() if "object" not in _types(self.map(value))}, names
            )
            if name is not None and "." not in name:
                return prefix + name
        return None

    def _fields(self, entry: dict[str, Any]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        for name, value in list(self.map(entry.get("properties")).items())[:MAX_FIELDS]:
            schema = self.map(value)
            read_only = {"read_only": True} if schema.get("readOnly") is True else {}
            fields[name] = {"type": _field_type(schema), **read_only}
        return fields

    def _written(self, paths: Mapping[str, Any], path: str) -> dict[str, Any]:
        write: dict[str, Any] = {}
        if "post" in self.map(paths[path]):
            answer = self._answer(self.map(self.map(paths[path]).get("post")))
            write["create"] = {"request": {"method": "POST", "path": path, "body": "{record}"}, **self._id_at(answer)}
        stem, extension = (path.removesuffix(".json"), ".json") if path.endswith(".json") else (path.rstrip("/"), "")
        one = re.compile(re.escape(stem) + r"/\{[^/{}]+\}" + re.escape(extension) + "/?")
        single = next((self.map(paths[each]) for each in paths if one.fullmatch(each)), {})
        place = f"{stem}/{{id}}{extension}"
        method = next((each for each in ("patch", "put") if each in single), None)
        if method is not None:
            write["update"] = {"request": {"method": method.upper(), "path": place, "body": "{record}"}}
        if "delete" in single:
            write["delete"] = {"request": {"method": "DELETE", "path": place}}
        return {"write": write} if write else {}

    def _id_at(self, answer: dict[str, Any]) -> dict[str, str]:
        properties = self.map(answer.get("properties"))
        if "id" in properties or not properties:
            return {}
        for name, value in properties.items():
            if "id" in self.map(self._schema(value).get("properties")) and "." not in name:
                return {"id_at": f"{name}.id", "record_at": name}
        return {}


def _first(known: Mapping[str, Any], names: tuple[str, ...]) -> str | None:
    """The key that is one of the names, whatever its letter case, by their order."""
    by_lower = {name.lower(): name for name in known}
    return next((by_lower[name] for name in names if name in by_lower), None)


def _size(schema: Mapping[str, Any]) -> dict[str, int]:
    most = schema.get("maximum")
    if isinstance(most, int) and not isinstance(most, bool) and most > 0:
        return {"default": min(most, 1000), "max": most}
    return {"default": 100}


def _types(schema: Mapping[str, Any]) -> tuple[str, ...]:
    told = schema.get("type")
    if isinstance(told, list):
        return tuple(map(str, told))
    if isinstance(told, str):
        return (told,)
    return ("object",) if "properties" in schema else ("array",) if "items" in schema else ()


def _field_type(schema: Mapping[str, Any]) -> str:
    kinds, form = _types(schema), schema.get("format")
    if "string" in kinds and isinstance(schema.get("enum"), list):
        return "singleSelect"
    if "string" in kinds:
        return {"date": "date", "date-time": "datetime"}.get(str(form), "string")
    return next((told for kind, told in _KINDS if kind in kinds), "other")


_KINDS = (("boolean", "boolean"), ("integer", "int"), ("number", "float"))
