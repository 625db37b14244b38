"""What may stand in an uploaded zip."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest

from conjunct.integrations.archive import MAX_ENTRIES, MAX_MANIFEST_BYTES, read_manifest
from conjunct.integrations.problems import SourceInvalid


def zipped(files: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def refusal(archive: bytes) -> str:
    with pytest.raises(SourceInvalid) as refused:
        read_manifest(archive)
    assert refused.value.remedy
    return refused.value.detail


@pytest.mark.parametrize(
    "files",
    [
        {"amp.yaml": b"ours"},
        {"./amp.yaml": b"ours"},
        {"folder/amp.yaml": b"ours", "folder/readme.md": b""},
        {"folder\\amp.yaml": b"ours"},
        {"amp.yaml": b"ours", "old/amp.yaml": b"theirs", "older/amp.yaml": b"theirs"},
        {"folder/amp.yaml": b"ours", "__MACOSX/amp.yaml": b"theirs", "folder/deep/amp.yaml": b"theirs"},
    ],
)
def test_the_manifest_stands_at_the_root_or_in_one_folder(files):
    assert read_manifest(zipped(files)) == b"ours"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({}, "no amp.yaml"),
        ({"amp.yml": b""}, "no amp.yaml"),
        ({"a/b/amp.yaml": b""}, "no amp.yaml"),
        ({"a/amp.yaml": b"", "b/amp.yaml": b""}, "several manifests"),
        ({"../amp.yaml": b""}, "leads out of it"),
        ({"amp.yaml": b"", "a/../../x": b""}, "leads out of it"),
        ({"amp.yaml": b"", "/etc/passwd": b""}, "leads out of it"),
        ({"amp.yaml": b"", "..\\x": b""}, "leads out of it"),
    ],
)
def test_other_archives_are_refused(files, words):
    assert words in refusal(zipped(files))


@pytest.mark.parametrize("archive", [b"", b"specVersion: 1.0.0", zipped({"amp.yaml": b"x" * 999})[:-30]])
def test_what_is_no_zip_is_refused(archive):
    assert "not a zip archive" in refusal(archive)


def test_damage_is_noticed():
    archive = bytearray(zipped({"amp.yaml": b"x" * 999}, zipfile.ZIP_STORED))
    archive[60] ^= 0xFF
    assert "damaged" in refusal(bytes(archive))


def test_an_encrypted_manifest_is_refused():
    archive = bytearray(zipped({"amp.yaml": b"x"}))
    central = archive.index(b"PK\x01\x02")
    struct.pack_into("<H", archive, 6, 1)
    struct.pack_into("<H", archive, central + 8, 1)
    assert "cannot be read" in refusal(bytes(archive))


def test_a_bomb_is_not_unpacked():
    archive = zipped({"amp.yaml": b"\0" * (50 * MAX_MANIFEST_BYTES)})
    assert len(archive) < MAX_MANIFEST_BYTES
    assert "larger than" in refusal(archive)


def test_a_bomb_that_lies_about_its_size_is_refused():
    archive = bytearray(zipped({"amp.yaml": b"\0" * (2 * MAX_MANIFEST_BYTES)}))
    central = archive.index(b"PK\x01\x02")
    struct.pack_into("<I", archive, 22, 10)
    struct.pack_into("<I", archive, central + 24, 10)
    assert refusal(bytes(archive))


def test_an_archive_of_endless_entries_is_refused():
    assert "entries" in refusal(zipped({f"{number}": b"" for number in range(MAX_ENTRIES + 1)}))
