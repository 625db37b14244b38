"""A small library's API, to write a first provider definition against: `python library_api.py [PORT]`.

Every request needs the header `X-Library-Key: read-me`. Times are RFC 3339.

    GET   /v1/me               who the key belongs to
    GET   /v1/books            {"data": [...], "next_cursor": "..."}; the last page has no next_cursor
          ?limit=              books on a page, 50 at most
          ?cursor=             the next_cursor of the page before
          ?updated_since=      only books changed at that time or later
          ?isbn=               only the book of that number
    POST  /v1/books            makes a book, and answers it
    PATCH /v1/books/{id}       changes a book, and answers it
    DELETE /v1/books/{id}

Errors are {"error": {"message": "...", "code": "..."}}.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

KEY = "read-me"
FIRST_CHANGE = datetime(2026, 1, 1, tzinfo=UTC)


def make_books(number: int) -> dict[int, dict[str, Any]]:
    """So many books, by id; each was changed a day after the one before."""
    return {
        index: {
            "id": index,
            "title": f"Volume {index}",
            "isbn": f"978-0-00-{index:06}",
            "author": {"name": "Ada Lovelace"},
            "updated_at": (FIRST_CHANGE + timedelta(days=index)).isoformat().replace("+00:00", "Z"),
        }
        for index in range(1, number + 1)
    }


class Library(BaseHTTPRequestHandler):
    """Answers one request."""

    protocol_version = "HTTP/1.1"
    books = make_books(120)

    def do_GET(self) -> None:
        """Who asks, or a page of books."""
        if not self._is_welcome():
            return
        path, query = self._asked()
        if path == "/v1/me":
            self._answer(200, {"name": "Ada Lovelace"})
        elif path == "/v1/books":
            limit, after = min(int(query.get("limit", "20")), 50), int(query.get("cursor", "0"))
            since, isbn = query.get("updated_since", ""), query.get("isbn")
            found = [book for book in self.books.values() if book["id"] > after and book["updated_at"] >= since]
            found = [book for book in found if isbn is None or book["isbn"] == isbn]
            more = {"next_cursor": str(found[limit - 1]["id"])} if len(found) > limit else {}
            self._answer(200, {"data": found[:limit], **more})
        else:
            self._refuse(404, "not_found", "There is nothing here.")

    def do_POST(self) -> None:
        """Make a book."""
        if self._is_welcome():
            self._write(max(self.books) + 1, 201)

    def do_PATCH(self) -> None:
        """Change a book."""
        if self._is_welcome():
            self._write(self._id(), 200)

    def do_DELETE(self) -> None:
        """Remove a book."""
        if not self._is_welcome():
            return
        if self.books.pop(self._id(), None) is None:
            self._refuse(404, "not_found", "There is no such book.")
        else:
            self._answer(204, None)

    def _write(self, book_id: int, status: int) -> None:
        given = json.loads(self.rfile.read(int(self.headers.get("Content-Length", "0"))) or b"{}")
        book = {**self.books.get(book_id, {}), **given, "id": book_id}
        if not book.get("title"):
            self._refuse(422, "invalid", "A book needs a title.")
            return
        book["updated_at"] = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        self.books[book_id] = book
        self._answer(status, book)

    def _id(self) -> int:
        last = self._asked()[0].rpartition("/")[2]
        return int(last) if last.isdigit() else 0

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, dict(parse_qsl(parts.query))

    def _is_welcome(self) -> bool:
        if self.headers.get("X-Library-Key") == KEY:
            return True
        self._refuse(401, "bad_key", "This key is not known.")
        return False

    def _refuse(self, status: int, code: str, message: str) -> None:
        self._answer(status, {"error": {"message": message, "code": code}})

    def _answer(self, status: int, body: Any) -> None:
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing of every request."""


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8765
    sys.stderr.write(f"The library is at http://127.0.0.1:{port}/v1, its key is {KEY}.\n")
    ThreadingHTTPServer(("127.0.0.1", port), Library).serve_forever()
