"""Reading an answer's body within a limit that counts what it becomes, not what it was packed to."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator

ACCEPTED = "gzip, deflate"
# For zlib: take a gzip or a zlib header, or no header at all.
WITH_HEADER = zlib.MAX_WBITS | 32
WITHOUT_HEADER = -zlib.MAX_WBITS


class BodyTooLarge(Exception):
    """The body is larger than its limit."""


class BodyMalformed(Exception):
    """The body is not what its `Content-Encoding` says, or that is none we asked for."""


async def read_body(chunks: AsyncIterator[bytes], *, encoding: str, max_bytes: int) -> bytes:
    """The whole body, unpacked. Raises `BodyTooLarge` as soon as it passes `max_bytes`, or `BodyMalformed`."""
    unpack = _unpacker(encoding)
    body = bytearray()
    async for chunk in chunks:
        body += unpack.feed(chunk, max_bytes + 1 - len(body)) if unpack else chunk
        if len(body) > max_bytes:
            raise BodyTooLarge
    if unpack:
        unpack.finish()
    return bytes(body)


def _unpacker(encoding: str) -> _Unpacker | None:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return _Unpacker()
        case _:
            raise BodyMalformed("its content encoding was not asked for")


class _Unpacker:
    """Unpacks gzip (of any number of members), zlib and bare deflate."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(WITH_HEADER)
        self._begun = False

    def feed(self, chunk: bytes, limit: int) -> bytes:
        """What `chunk` unpacks to, but no more than `limit` bytes."""
        output = bytearray()
        while chunk and len(output) < limit:
            if self._stream.eof:
                self._stream = zlib.decompressobj(WITH_HEADER)
            output += self._decompress(chunk, limit - len(output))
            chunk = self._stream.unused_data if self._stream.eof else b""
        return bytes(output)

    def _decompress(self, chunk: bytes, limit: int) -> bytes:
        try:
            output = self._stream.decompress(chunk, limit)
        except zlib.error as error:
            if self._begun:
                raise BodyMalformed(f"the packed content is damaged: {error}") from error
            # Some servers leave out the header that "deflate" has by the standard.
            self._stream = zlib.decompressobj(WITHOUT_HEADER)
            self._begun = True
            return self._decompress(chunk, limit)
        self._begun = True
        return output

    def finish(self) -> None:
        """Raise `BodyMalformed` if the stream stops before its end."""
        if self._begun and not self._stream.eof:
            raise BodyMalformed("the packed content stops before its end")
