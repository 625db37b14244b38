"""The master key file: changed as a whole, by one at a time, and seen at once by whoever uses it."""

from __future__ import annotations

import fcntl
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from conjunct.core import master_keys
from conjunct.core.encryption import DecryptionFailed
from conjunct.core.master_keys import KeyFileBusy, MasterKeys, add_key, next_id, remove_key


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "master.key"
    MasterKeys.from_file(found)
    return found


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def others(path: Path) -> list[str]:
    return [each.name for each in path.parent.iterdir() if each != path]


@contextmanager
def held(path: Path) -> Iterator[None]:
    """The lock, as another process has it."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def test_it_is_made_once_and_private(path: Path) -> None:
    sealed = MasterKeys.from_file(path).encrypt(b"x", "p")
    assert MasterKeys.from_file(path).decrypt(sealed, "p") == b"x"
    assert (mode(path), others(path)) == (0o600, [])


def test_a_new_key_encrypts_at_once_where_the_file_is_in_use(path: Path) -> None:
    used = MasterKeys.from_file(path)
    before, tokens = used.encrypt(b"x", "p"), used.derive("tokens")
    signed_with = tokens.current
    assert add_key(path) == "m2"
    assert used.encrypt(b"x", "p").startswith(b"v1|m2|")
    assert used.decrypt(before, "p") == b"x"
    assert tokens.all == (tokens.current, signed_with)
    assert tokens.current != signed_with
    assert (mode(path), others(path)) == (0o600, [])


def test_what_another_process_seals_with_a_key_just_made_opens(path: Path) -> None:
    used, other = MasterKeys.from_file(path), MasterKeys.from_file(path)
    add_key(path)
    sealed = other.encrypt(b"x", "p")
    used._mark = master_keys._mark(path.stat())  # a file system whose `stat` is of yesterday
    assert used.decrypt(sealed, "p") == b"x"
    with pytest.raises(DecryptionFailed):
        used.decrypt(sealed.replace(b"m2", b"m9"), "p")


def test_an_old_key_is_removed_and_the_current_one_is_not(path: Path) -> None:
    used = MasterKeys.from_file(path)
    sealed = used.encrypt(b"x", "p")
    add_key(path)
    remove_key(path, "m1")
    assert used.keyring.ids == ("m2",)
    with pytest.raises(DecryptionFailed):
        used.decrypt(sealed, "p")
    with pytest.raises(ValueError, match="m2 is the key that encrypts"):
        remove_key(path, "m2")
    with pytest.raises(KeyError):
        remove_key(path, "m1")
    assert add_key(path) == "m3"


@pytest.mark.parametrize("content", [None, "", "m1:damaged"])
def test_a_file_that_is_gone_or_damaged_leaves_what_is_known(path: Path, content: str | None) -> None:
    used = MasterKeys.from_file(path)
    good = path.read_text()
    sealed = used.encrypt(b"x", "p")
    path.unlink()
    if content is not None:
        path.write_text(content)
        with pytest.raises(ValueError, match="master key"):
            add_key(path)
        assert path.read_text() == content
    assert used.decrypt(sealed, "p") == b"x"
    path.write_text(good + "m2:" + "A" * 43 + "=\n")
    assert used.keyring.current == "m2"


def test_killed_in_the_middle_of_a_change_it_is_the_old_file_or_the_new_one(path: Path) -> None:
    """The process kills itself where it would make the new file durable, and where it would put it in place."""
    old = path.read_text()
    sealed = MasterKeys.from_file(path).encrypt(b"x", "p")
    for call in ("os.fsync", "pathlib.Path.replace"):
        killed = python(f"{call} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\nadd_key(path)", path)
        assert killed.wait() == -signal.SIGKILL
        assert others(path) == [".master.key.new"]
        assert path.read_text() == old
    assert add_key(path) == "m2"
    assert others(path) == []
    assert MasterKeys.from_file(path).decrypt(sealed, "p") == b"x"


def python(statements: str, path: Path) -> subprocess.Popen[bytes]:
    """A process of its own that runs these on the file."""
    imports = "import os, pathlib, signal, sys\nfrom conjunct.core.master_keys import add_key\n"
    program = f"{imports}path = pathlib.Path(sys.argv[1])\n{statements}"
    return subprocess.Popen([sys.executable, "-c", program, str(path)])


def test_the_first_key_is_made_after_a_crash_in_the_middle_of_making_it(tmp_path: Path) -> None:
    (tmp_path / ".master.key.new").write_text("m1:ha")
    assert MasterKeys.from_file(tmp_path / "master.key").keyring.ids == ("m1",)


def test_changes_at_once_come_one_after_the_other(path: Path) -> None:
    processes = [python("add_key(path)", path) for _ in range(3)]
    assert [process.wait() for process in processes] == [0] * 3
    assert MasterKeys.from_file(path).keyring.ids == ("m1", "m2", "m3", "m4")


def test_who_cannot_have_its_turn_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master_keys, "LOCK_SECONDS", 0)
    with held(path), pytest.raises(KeyFileBusy, match="another process is changing"):
        add_key(path)
    assert add_key(path) == "m2"


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    link = tmp_path / "link" / "master.key"
    link.parent.mkdir()
    link.symlink_to(path)
    used = MasterKeys.from_file(link)
    add_key(link)
    assert link.is_symlink()
    assert (used.keyring.current, MasterKeys.from_file(path).keyring.current) == ("m2", "m2")


def test_a_group_that_was_let_in_stays_in_and_others_do_not(path: Path) -> None:
    path.chmod(0o644)
    add_key(path)
    assert mode(path) == 0o640


@pytest.mark.skipif(os.getuid() != 0, reason="only root may give files away")
def test_the_file_stays_its_owners(path: Path) -> None:
    os.chown(path, 12345, 12345)
    add_key(path)
    assert (path.stat().st_uid, path.stat().st_gid) == (12345, 12345)


@pytest.mark.parametrize(
    ("ids", "following"), [(("m1",), "m2"), (("m1", "m9"), "m10"), (("prod",), "m2"), (("prod", "m7"), "m8")]
)
def test_ids_of_new_keys(ids: tuple[str, ...], following: str) -> None:
    assert next_id(ids) == following
