"""Uploads: a URL that authenticates itself, for one project, one archive and fifteen minutes."""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from datetime import timedelta

import pytest

from tests.integrations.manifests import manifest, reading


def zipped(**files: str) -> bytes:
    return zipped_names({name.replace("__", "/").replace("_yaml", ".yaml"): text for name, text in files.items()})


def zipped_names(files: dict[str, str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def md5_of(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()


ARCHIVE = zipped(amp_yaml=manifest(reading()))


async def signed(slice_, **query) -> dict[str, str]:
    response = await slice_.client.get("/v1/generate-upload-url", params=query)
    assert response.status_code == 200, response.text
    place: dict[str, str] = response.json()
    return place


async def put(slice_, url: str, data: bytes, **headers):
    # As the command line does: no API key, only what the URL says.
    request = slice_.client.build_request("PUT", url, content=data, headers=headers)
    del request.headers["X-Api-Key"]
    return await slice_.client.send(request)


async def deploy(slice_, place: dict[str, str], home: str | None = None, **headers):
    source = {"sourceZipUrl": f"gs://{place['bucket']}{place['path']}"}
    return await slice_.client.put(f"{home or slice_.home}/integrations:batch", json=source, headers=headers)


async def test_an_uploaded_archive_is_deployed(slice_):
    place = await signed(slice_, md5=md5_of(ARCHIVE))
    assert f"/{place['bucket']}{place['path']}?" in place["url"]
    sent = await put(slice_, place["url"], ARCHIVE, **{"Content-MD5": md5_of(ARCHIVE)})
    assert sent.status_code == 200, sent.text

    deployed = await deploy(slice_, place)
    assert deployed.status_code == 200
    assert [each["name"] for each in deployed.json()] == ["crm"]
    assert (await deploy(slice_, place)).json() == deployed.json()


@pytest.mark.parametrize("md5", ["!!", "abcd", "a" * 24])
async def test_a_malformed_md5_gets_no_url(slice_, md5):
    refused = await slice_.client.get("/v1/generate-upload-url", params={"md5": md5})
    assert refused.status_code == 400
    assert refused.json()["issues"][0]["in"] == "query"


async def test_a_url_needs_a_full_key(slice_):
    assert (await slice_.client.get("/v1/generate-upload-url", headers={"X-Api-Key": "no"})).status_code == 401


@pytest.mark.parametrize("promised", ["url", "header"])
async def test_other_bytes_than_promised_are_refused(slice_, promised):
    place = await signed(slice_, **({"md5": md5_of(ARCHIVE)} if promised == "url" else {}))
    headers = {"Content-MD5": md5_of(ARCHIVE)} if promised == "header" else {}
    refused = await put(slice_, place["url"], ARCHIVE + b"x", **headers)
    assert refused.status_code == 422
    assert (await deploy(slice_, place)).status_code == 422


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        ("signature=", "signature=0"),
        ("signature=", "signature=g"),
        ("expires=1", "expires=2"),
        ("md5=", "md5=AAAA"),
        ("/{project}/", "/{other}/"),
        (".zip", "1.zip"),
        ("?", "?x="),
    ],
)
async def test_a_changed_url_is_refused(slice_, part, instead):
    place = await signed(slice_)
    names = {"project": slice_.project.project_id, "other": slice_.other.project_id}
    changed = place["url"].replace(part.format(**names), instead.format(**names))
    assert changed != place["url"]
    assert (await put(slice_, changed, ARCHIVE)).status_code in (400, 403)
    assert (await deploy(slice_, place)).status_code == 422


async def test_a_url_expires_after_fifteen_minutes(slice_):
    place = await signed(slice_)
    slice_.clock.advance(timedelta(minutes=14, seconds=59))
    assert (await put(slice_, place["url"], ARCHIVE)).status_code == 200
    slice_.clock.advance(timedelta(seconds=1))
    refused = await put(slice_, place["url"], ARCHIVE)
    assert refused.status_code == 403
    assert "expired" in refused.json()["detail"]


async def test_an_upload_has_ten_megabytes_at_most(slice_):
    place = await signed(slice_)
    assert (await put(slice_, place["url"], b"\0" * (10 * 1024**2 + 1))).status_code == 413
    assert (await deploy(slice_, place)).status_code == 422


async def test_another_projects_upload_is_not_deployed(slice_):
    place = await signed(slice_)
    await put(slice_, place["url"], ARCHIVE)
    theirs = f"/v1/projects/{slice_.other.project_id}"
    refused = await deploy(slice_, place, theirs, **{"X-Api-Key": slice_.other.api_key})
    assert refused.status_code == 422
    assert refused.json()["issues"][0]["name"] == "sourceZipUrl"


@pytest.mark.parametrize(
    "address",
    [
        "https://example.com/amp.zip",
        "http://127.0.0.1/amp.zip",
        "gs://elsewhere/{project}/0.zip",
        "gs://uploads/{project}/../{other}/x.zip",
        "gs://uploads/{project}/%2e%2e.zip",
        "gs://uploads/{project}/ .zip",
        "gs://uploads/{project}/" + "0" * 36 + ".zip",
        "file:///etc/passwd",
        "",
    ],
)
async def test_only_our_own_store_is_a_source(slice_, address):
    url = address.replace("{project}", slice_.project.project_id).replace("{other}", slice_.other.project_id)
    refused = await slice_.client.put(f"{slice_.home}/integrations:batch", json={"sourceZipUrl": url})
    assert refused.status_code == 422
    assert refused.json()["issues"][0]["name"] == "sourceZipUrl"


async def test_a_sweep_removes_old_uploads_only(slice_, tmp_path):
    place = await signed(slice_)
    await put(slice_, place["url"], ARCHIVE)
    uploads = slice_.uploads
    assert await uploads.sweep() == 0
    # Files carry the machine's time, so the clock goes beyond it.
    slice_.clock.advance(timedelta(days=36_500))
    assert await uploads.sweep() == 1
    assert (await deploy(slice_, place)).status_code == 422
