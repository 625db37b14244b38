"""Reads a query, by recursive descent."""

from __future__ import annotations

from typing import Literal, cast

from conjunct.simulators.salesforce.errors import SalesforceError
from conjunct.simulators.salesforce.soql.syntax import (
    Aggregate,
    All,
    AllFields,
    AnyOf,
    Comparison,
    Condition,
    Constant,
    Item,
    Not,
    Order,
    Path,
    Query,
)
from conjunct.simulators.salesforce.soql.tokens import Token, malformed, tokenise, unquote

_COMPARISONS = ("=", "!=", "<>", "<", "<=", ">", ">=")
_FUNCTIONS = ("COUNT", "COUNT_DISTINCT", "MIN", "MAX", "SUM", "AVG")
_CLAUSES = ("WHERE", "WITH", "GROUP", "ORDER", "LIMIT", "OFFSET", "FOR", "USING", "HAVING", "ALL", "FROM")
_MAX_OFFSET = 2000
_MAX_DEPTH = 50


def parse(source: str) -> Query:
    """The query that `source` writes. Raises `SalesforceError` (`MALFORMED_QUERY`), which points at the fault."""
    parser = _Parser(source)
    query = parser.query()
    parser.expect_end()
    return query


class _Parser:
    """Holds the place in the tokens; each method reads one construct and leaves the place behind it."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokenise(source)
        self._place = 0
        self._depth = 0

    def query(self) -> Query:
        """SELECT … FROM … and the clauses after it, which have an order."""
        start = self._expect("SELECT").start
        items = [self._item()]
        while self._accept(","):
            items.append(self._item())
        self._expect("FROM")
        source = self._name("object")
        self._alias()
        if self._accept("USING"):
            self._expect("SCOPE")
            self._name("scope")
        where = self._condition() if self._accept("WHERE") else None
        if self._accept("WITH"):
            self._name("clause")
        group_by = self._paths() if self._accept_two("GROUP", "BY") else ()
        order_by = self._orders() if self._accept_two("ORDER", "BY") else ()
        limit = self._whole() if self._accept("LIMIT") else None
        offset = self._offset() if self._accept("OFFSET") else 0
        if self._accept("FOR"):
            self._name("clause")
        text = self._source[start:]
        return Query(tuple(items), source.text, source.start, where, group_by, order_by, limit, offset, text)

    def expect_end(self) -> None:
        """Nothing may follow."""
        if self._next.kind != "end":
            raise self._unexpected()

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._tokens[self._place]
        self._place += 1
        return token

    def _accept(self, *words: str) -> Token | None:
        return self._take() if self._next.says(*words) else None

    def _accept_two(self, first: str, second: str) -> bool:
        if not self._accept(first):
            return False
        self._expect(second)
        return True

    def _expect(self, *words: str) -> Token:
        token = self._accept(*words)
        if token is None:
            raise self._unexpected(f"expecting {' or '.join(repr(word) for word in words)}")
        return token

    def _name(self, what: str) -> Token:
        if self._next.kind != "name" or self._next.says(*_CLAUSES, "SELECT"):
            raise self._unexpected(f"expecting a name of a {what}")
        return self._take()

    def _unexpected(self, hint: str = "") -> SalesforceError:
        token = self._next
        return malformed(self._source, token.start, f"unexpected token: '{token.text}'{hint and f' ({hint})'}")

    def _alias(self) -> str | None:
        self._accept("AS")
        if self._next.kind == "name" and not self._next.says(*_CLAUSES):
            return self._take().text
        return None

    def _item(self) -> Item:
        if self._accept("("):
            self._deeper()
            query = self.query()
            self._expect(")")
            self._depth -= 1
            return query
        following = self._tokens[min(self._place + 1, len(self._tokens) - 1)]
        if self._next.kind == "name" and following.text == "(":
            return self._call()
        return self._path()

    def _call(self) -> Item:
        token = self._take()
        function = token.text.upper()
        self._expect("(")
        if function == "FIELDS":
            which = self._expect("ALL", "STANDARD", "CUSTOM").text.upper()
            self._expect(")")
            return AllFields(cast("Literal['ALL', 'STANDARD', 'CUSTOM']", which), token.start)
        if function not in _FUNCTIONS:
            raise malformed(self._source, token.start, f"unexpected token: '{token.text}'")
        path = None if self._next.says(")") and function == "COUNT" else self._path()
        self._expect(")")
        return Aggregate(function, path, self._alias(), token.start)

    def _path(self) -> Path:
        token = self._name("field")
        return Path(tuple(token.text.split(".")), token.start)

    def _paths(self) -> tuple[Path, ...]:
        paths = [self._path()]
        while self._accept(","):
            paths.append(self._path())
        return tuple(paths)

    def _orders(self) -> tuple[Order, ...]:
        orders = [self._order()]
        while self._accept(","):
            orders.append(self._order())
        return tuple(orders)

    def _order(self) -> Order:
        path = self._path()
        word = self._accept("ASC", "DESC")
        nulls = self._expect("FIRST", "LAST") if self._accept("NULLS") else None
        return Order(path, word is not None and word.says("DESC"), nulls is not None and nulls.says("LAST"))

    def _whole(self) -> int:
        token = self._next
        if token.kind != "number" or not token.text.isdecimal():
            raise self._unexpected("expecting a whole number")
        self._take()
        return int(token.text[:9])

    def _offset(self) -> int:
        at = self._next.start
        offset = self._whole()
        if offset > _MAX_OFFSET:
            raise malformed(self._source, at, f"maximum SOQL offset allowed is {_MAX_OFFSET}")
        return offset

    def _condition(self) -> Condition:
        """Conditions joined by AND or by OR; to mix them takes parentheses."""
        first = self._negated()
        joiner = self._accept("AND", "OR")
        if joiner is None:
            return first
        word = joiner.text.upper()
        conditions = [first, self._negated()]
        while following := self._accept("AND", "OR"):
            if following.text.upper() != word:
                raise malformed(self._source, following.start, f"unexpected token: '{following.text}'")
            conditions.append(self._negated())
        return All(tuple(conditions)) if word == "AND" else AnyOf(tuple(conditions))

    def _negated(self) -> Condition:
        self._deeper()
        try:
            if self._accept("NOT"):
                return Not(self._negated())
            if self._accept("("):
                inner = self._condition()
                self._expect(")")
                return inner
            return self._comparison()
        finally:
            self._depth -= 1

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise malformed(self._source, self._next.start, "the query is nested too deeply")

    def _comparison(self) -> Comparison:
        path = self._path()
        if self._next.says(*_COMPARISONS):
            operator = self._take().text.replace("<>", "!=")
            return Comparison(path, operator, (self._literal(),))
        if self._accept("LIKE"):
            return Comparison(path, "LIKE", (self._literal(like=True),))
        if self._accept("NOT"):
            self._expect("IN")
            return self._among(path, "NOT IN")
        word = self._expect("IN", "INCLUDES", "EXCLUDES")
        return self._among(path, word.text.upper())

    def _among(self, path: Path, operator: str) -> Comparison:
        self._expect("(")
        if self._next.says("SELECT"):
            self._deeper()
            query = self.query()
            self._expect(")")
            self._depth -= 1
            return Comparison(path, operator, (), query)
        values = [self._literal()]
        while self._accept(","):
            values.append(self._literal())
        self._expect(")")
        return Comparison(path, operator, tuple(values))

    def _literal(self, *, like: bool = False) -> Constant:
        token = self._next
        if token.kind == "text":
            self._take()
            return Constant("text", unquote(token, like=like), at=token.start)
        if token.kind == "number":
            self._take()
            return Constant("number", _number(token.text), at=token.start)
        if token.kind == "moment":
            self._take()
            return Constant("moment" if len(token.text) > 10 else "date", token.text, at=token.start)
        if token.kind == "name" and "." not in token.text:
            return self._word()
        raise self._unexpected()

    def _word(self) -> Constant:
        token = self._take()
        word = token.text.upper()
        if word in ("TRUE", "FALSE"):
            return Constant("boolean", word == "TRUE", at=token.start)
        if word == "NULL":
            return Constant("null", None, at=token.start)
        count = self._whole() if self._accept(":") else None
        return Constant("range", word, count, token.start)


def _number(text: str) -> int | float:
    return int(text) if text.lstrip("+-").isdecimal() and len(text) < 30 else float(text)
