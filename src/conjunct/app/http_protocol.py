"""HTTP as the API takes it: with a bound on the head of a request, and for paths of its own only."""

from __future__ import annotations

import httptools
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MOST_HEAD_BYTES = 64 * 1024
"""Of a request's first line and headers, but for one reading of the socket."""


class HttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which bounds neither, and takes the path out of any address in a request's first line."""

    _head_bytes = 0
    _in_head = False

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._head_bytes, self._in_head = 0, True

    def on_headers_complete(self) -> None:
        """Its head has come."""
        self._in_head = False
        if not self.url.startswith(b"/"):
            # As asked of a forward proxy. Its host is not the one that would be asked here.
            raise httptools.HttpParserError("the target of the request is no path")
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """More has come."""
        super().data_received(data)
        self._head_bytes += len(data)
        if self._in_head and self._head_bytes > MOST_HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")
