"""Searches for words (SOSL): `FIND {grace hop*} IN NAME FIELDS RETURNING Contact(Id, Name WHERE …), Lead LIMIT 10`."""

from __future__ import annotations

import re
from collections.abc import Sequence

from conjunct.simulators.contract import Answer, Call, Route
from conjunct.simulators.salesforce.bodies import base
from conjunct.simulators.salesforce.database import Database
from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.soql import Queries
from conjunct.simulators.salesforce.store import Records

_SEARCH = re.compile(
    r"\s*FIND\s*\{(?P<words>(?:\\.|[^}])*)\}(?:\s+IN\s+(?P<group>ALL|NAME|EMAIL|PHONE|SIDEBAR)\s+FIELDS)?"
    r"(?:\s+RETURNING\s+(?P<objects>.*?))?(?:\s+LIMIT\s+(?P<limit>\d{1,4}))?\s*",
    re.IGNORECASE | re.DOTALL,
)
_RETURNED = re.compile(r"\s*(?P<name>\w+)\s*(?:\((?P<inner>.*)\))?\s*", re.DOTALL)
_CLAUSE = re.compile(r"\s+(?:WHERE|ORDER|LIMIT|OFFSET)\s", re.IGNORECASE)
_WORD = re.compile(r"[\w.+-]+\*?")
_WHOLE = 100_000
_MOST = 2000
_DEFAULT = ("Account", "Contact", "Lead", "Opportunity", "Case")
_GROUPS = {"NAME": ("Name",), "EMAIL": ("Email",), "PHONE": ("Phone",)}


class SearchApi:
    """Answers `/search`."""

    def __init__(self, database: Database, queries: Queries) -> None:
        self._database = database
        self._queries = queries

    def routes(self, root: str) -> Sequence[Route]:
        """The routes below `root`."""
        return (Route("GET", f"{root}/search", self.search),)

    def search(self, call: Call) -> Answer:
        """The records that have every word, object by object."""
        match = _SEARCH.fullmatch(call.query.get("q", ""))
        words = _WORD.findall(re.sub(r"\\(.)", r"\1", match["words"]).casefold()) if match else []
        if match is None or len("".join(words)) < 2:
            raise SalesforceError(400, "MALFORMED_SEARCH", "search term must be longer than one character")
        left = min(int(match["limit"] or _MOST), _MOST)
        parts: list[bytes] = []
        count = 0
        for item in _split(match["objects"]) if match["objects"] else _DEFAULT:
            records, query = self._query(item)
            finding = self._queries.find(query, base=base(call))
            limit = min(left, _limit(item))
            names = _GROUPS.get((match["group"] or "ALL").upper(), records.kind.searchable)
            columns = [records.column(name) for name in names if name in records.kind.searchable]
            for position, place in enumerate(finding.places):
                if limit == 0:
                    break
                if _has_all(words, " ".join(str(column[place] or "") for column in columns)):
                    parts.append(self._queries.page(finding, position, 1, base(call))[0])
                    limit -= 1
                    left -= 1
                    count += 1
        return Answer(body=b'{"searchRecords":[%b]}' % b",".join(parts), records=count)

    def _query(self, item: str) -> tuple[Records, str]:
        """The object that `Contact(Id, Name WHERE …)` names, and a query for what it says."""
        match = _RETURNED.fullmatch(item)
        records = self._database.find(match["name"]) if match else None
        if match is None or records is None:
            raise SalesforceError(400, "INVALID_TYPE", f"sObject type '{item.strip()}' is not supported.")
        inner = match["inner"] or "Id"
        clause = _CLAUSE.search(inner)
        fields, rest = (inner[: clause.start()], inner[clause.start() :]) if clause else (inner, "")
        # How many to return is counted among those that have the words.
        rest = re.sub(r"\s+LIMIT\s+\d+\s*$", "", rest, flags=re.IGNORECASE)
        return records, " ".join(("SELECT", fields, "FROM", records.kind.name, rest))


def _split(text: str) -> list[str]:
    """The objects after RETURNING: commas within parentheses do not part them."""
    parts, depth, start = [], 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            parts.append(text[start:place])
            start = place + 1
    return [*parts, text[start:]]


def _limit(item: str) -> int:
    match = re.search(r"\sLIMIT\s+(\d{1,4})\s*\)\s*$", item, re.IGNORECASE)
    return int(match[1]) if match else _WHOLE


def _has_all(words: Sequence[str], text: str) -> bool:
    """Whether each word is in the text, as a whole or, with a star, as the start of one."""
    held = [part for word in _WORD.findall(text.casefold()) for part in (word, *re.split(r"[.+-]", word))]
    return all(any(one.startswith(word[:-1]) if word.endswith("*") else one == word for one in held) for word in words)
