"""Uploads of deploy archives: URLs that authenticate themselves, and the store behind them.

A signed URL names the project, the upload, when it expires and the MD5 that was promised; the signature covers them
all. Nothing is kept for a URL that is never used.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import AsyncIterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from conjunct.core.encryption import DerivedKeys
from conjunct.core.problems import Forbidden, InvalidRequest, Issue, TooLarge
from conjunct.core.storage import Storage
from conjunct.integrations.problems import SourceInvalid, UploadRefused
from conjunct.kit.clock import Clock
from conjunct.kit.ids import new_id

BUCKET = "uploads"
MAX_UPLOAD_BYTES = 10 * 1024 * 1024
LIFETIME = timedelta(minutes=15)
KEPT_FOR = timedelta(days=1)

_FOLDER = "uploads"
_SCHEME = "gs://"
_NAME = re.compile(r"[0-9a-f-]{36}\.zip")
_MD5_BYTES = 16


@dataclass(frozen=True, slots=True)
class SignedUpload:
    """Where an upload goes: its address in the store, and the query that permits it."""

    bucket: str
    path: str
    query: str


@dataclass(frozen=True, slots=True)
class Permit:
    """What the query of a signed URL says."""

    expires: int
    md5: str
    signature: str


class Uploads:
    """Hands out signed URLs, takes uploads, and gives them back to the project that made them."""

    def __init__(self, storage: Storage, signing_keys: DerivedKeys, clock: Clock) -> None:
        self._storage = storage
        self._keys = signing_keys
        self._clock = clock

    def sign(self, project_id: str, md5: str | None) -> SignedUpload:
        """A place for one upload of up to 10 MB within 15 minutes.

        `md5` is the base64 of the content's MD5, as in the header Content-MD5; `InvalidRequest` when it is not.
        """
        if md5 and not _is_md5(md5):
            issue = Issue("md5", "must be the base64 of 16 bytes", location="query", value=md5[:100])
            raise InvalidRequest(
                "The MD5 is malformed.", remedy="Pass the value of the header Content-MD5.", issues=[issue]
            )
        path = f"/{project_id}/{new_id()}.zip"
        expires = int((self._clock.now() + LIFETIME).timestamp())
        query = {"expires": expires, "md5": md5 or "", "signature": self._sign(path, expires, md5 or "")}
        return SignedUpload(BUCKET, path, urlencode(query))

    async def receive(self, path: str, permit: Permit, content_md5: str | None, body: AsyncIterable[bytes]) -> None:
        """Keep what is uploaded to a signed URL.

        Raises Forbidden for a URL that we did not make or that has expired, TooLarge beyond 10 MB, UploadRefused for
        other bytes than promised.
        """
        self._check(path, permit)
        promised = {promise for promise in (permit.md5, content_md5) if promise}
        data = await _collect(body)
        actual = base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()
        if promised - {actual}:
            raise UploadRefused(
                f"The MD5 of the {len(data)} bytes received is {actual}, not the one that was promised.",
                remedy="Upload the same bytes that the MD5 was computed from, with the same header Content-MD5.",
            )
        await self._storage.put(_key_of(path), data)

    async def fetch(self, project_id: str, url: str) -> bytes:
        """The upload that a deploy names as `gs://{bucket}{path}`.

        Raises SourceInvalid for any other address, for another project's upload and for one that is not there.
        """
        data = await self._storage.get(_key_of(_own_path(project_id, url)))
        if data is None:
            raise SourceInvalid(
                f"Nothing was uploaded to {url}.",
                remedy="PUT the archive to the URL that generate-upload-url gave, then deploy.",
                issues=[Issue("sourceZipUrl", "names an upload that does not exist", value=url[:200])],
            )
        return data

    async def sweep(self) -> int:
        """Remove uploads of yesterday and before, deployed or not; returns how many. For a daily job."""
        return await self._storage.sweep(_FOLDER, self._clock.now() - KEPT_FOR)

    def _check(self, path: str, permit: Permit) -> None:
        given = permit.signature.encode()
        expected = [_signature(key, path, permit.expires, permit.md5) for key in self._keys.all]
        if not any([hmac.compare_digest(each.encode(), given) for each in expected]):  # noqa: C419 - all, always
            raise Forbidden("This upload URL was not made by us, or it was changed.", remedy=_NEW_URL)
        if self._clock.now() >= datetime.fromtimestamp(permit.expires, UTC):
            raise Forbidden("This upload URL has expired.", remedy=_NEW_URL)

    def _sign(self, path: str, expires: int, md5: str) -> str:
        return _signature(self._keys.current, path, expires, md5)


def _signature(key: bytes, path: str, expires: int, md5: str) -> str:
    message = "\n".join(("PUT", path, str(expires), md5)).encode()
    return hmac.new(key, message, hashlib.sha256).hexdigest()


_NEW_URL = "Ask generate-upload-url for a new URL and use it unchanged within 15 minutes."


async def _collect(body: AsyncIterable[bytes]) -> bytes:
    received = bytearray()
    async for part in body:
        received += part
        if len(received) > MAX_UPLOAD_BYTES:
            raise TooLarge(
                f"The upload is larger than {MAX_UPLOAD_BYTES // 1024**2} MB.",
                remedy="Upload the manifest's folder without what the deploy does not need.",
            )
    return bytes(received)


def _is_md5(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _MD5_BYTES
    except (binascii.Error, ValueError):
        return False


def _own_path(project_id: str, url: str) -> str:
    prefix = f"{_SCHEME}{BUCKET}/{project_id}/"
    name = url.removeprefix(prefix)
    if name == url or not _NAME.fullmatch(name):
        raise SourceInvalid(
            "The source is not an archive that was uploaded for this project.",
            remedy="Upload the archive with generate-upload-url and pass gs://{bucket}{path}, or send sourceYaml. "
            "Archives are not downloaded from other addresses.",
            issues=[Issue("sourceZipUrl", f"must be {prefix}<upload>.zip", value=url[:200])],
        )
    return url.removeprefix(_SCHEME + BUCKET)


def _key_of(path: str) -> str:
    return _FOLDER + path
