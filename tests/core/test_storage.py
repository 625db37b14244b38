"""The folder storage keeps objects whole, by safe keys only, and sweeps what is old."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from conjunct.core.storage import FolderStorage, InvalidKey


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*"))


@pytest.fixture
def storage(tmp_path: Path) -> FolderStorage:
    return FolderStorage(tmp_path / "objects")


async def test_what_was_put_comes_back(storage: FolderStorage) -> None:
    await storage.put("payloads/project/1", b"\x00content")
    assert await storage.get("payloads/project/1") == b"\x00content"


async def test_putting_again_replaces(storage: FolderStorage, tmp_path: Path) -> None:
    await storage.put("a/b", b"old, and longer")
    await storage.put("a/b", b"new")
    assert await storage.get("a/b") == b"new"
    assert names_in(tmp_path / "objects/a") == ["b"]


async def test_only_the_owner_may_read(storage: FolderStorage, tmp_path: Path) -> None:
    await storage.put("a/b", b"secret")
    assert stat.S_IMODE((tmp_path / "objects/a/b").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "objects/a").stat().st_mode) == 0o700


@pytest.mark.parametrize("key", ["nothing", "a", "a/b/c"])
async def test_what_is_not_there_is_none(storage: FolderStorage, key: str) -> None:
    await storage.put("a/b", b"")
    assert await storage.get(key) is None
    assert await storage.get("a/b") == b""


async def test_deleting_is_repeatable(storage: FolderStorage) -> None:
    await storage.put("a/b", b"x")
    await storage.delete("a/b")
    await storage.delete("a/b")
    assert await storage.get("a/b") is None


@pytest.mark.parametrize(
    "key",
    [
        "",
        "/",
        "/etc/passwd",
        "..",
        "a/../b",
        "a/./b",
        "a//b",
        "a/",
        ".hidden",
        "a\\b",
        "a\x00b",
        "a b",
        "é",
        "a/" * 8 + "a",
    ],
)
async def test_unsafe_keys_are_refused(storage: FolderStorage, key: str, tmp_path: Path) -> None:
    for act in (storage.put(key, b"x"), storage.get(key), storage.delete(key), storage.sweep(key, datetime.now(UTC))):
        with pytest.raises(InvalidKey):
            await act
    assert names_in(tmp_path) == []


async def test_a_write_that_fails_leaves_the_old_content(storage: FolderStorage, tmp_path: Path) -> None:
    await storage.put("a/b/c", b"kept")
    with pytest.raises(OSError, match="directory"):
        await storage.put("a/b", b"a folder stands here")
    assert await storage.get("a/b/c") == b"kept"
    assert names_in(tmp_path / "objects") == ["a", "b", "c"]


async def test_sweep_removes_what_is_old_below_the_prefix(storage: FolderStorage, tmp_path: Path) -> None:
    for key in ("payloads/p/old", "payloads/p/new", "uploads/p/old"):
        await storage.put(key, b"x")
    now = datetime.now(UTC)
    half_written = tmp_path / "objects/payloads/p/.put-crashed"
    half_written.write_bytes(b"half")
    last_week = (now - timedelta(days=7)).timestamp()
    for path in (tmp_path / "objects").rglob("*old"):
        os.utime(path, (last_week, last_week))
    os.utime(half_written, (last_week, last_week))

    assert await storage.sweep("payloads", now - timedelta(days=1)) == 1

    assert await storage.get("payloads/p/old") is None
    assert not half_written.exists()
    assert await storage.get("payloads/p/new") == b"x"
    assert await storage.get("uploads/p/old") == b"x"


async def test_sweeping_nothing_is_nothing(storage: FolderStorage) -> None:
    assert await storage.sweep("payloads", datetime.now(UTC)) == 0
