"""Old uploads are removed by the worker."""

from datetime import UTC, datetime, timedelta

from conjunct.core.encryption import Keyring
from conjunct.core.storage import FolderStorage
from conjunct.integrations import Uploads, sweep_handler
from conjunct.kit.clock import ManualClock
from conjunct.queue import Done, Job


async def test_the_job_removes_uploads_of_the_days_before(tmp_path) -> None:
    clock = ManualClock(datetime.now(UTC))
    storage = FolderStorage(tmp_path)
    await storage.put("uploads/project/one.zip", b"archive")
    [(kind, sweep)] = sweep_handler(Uploads(storage, Keyring({"k": b"k" * 32}, "k").derive("uploads"), clock)).items()
    job = Job(1, "", kind, kind, kind, 1, 1, "worker")
    assert await sweep(job) == Done()
    assert await storage.get("uploads/project/one.zip") == b"archive"
    clock.advance(timedelta(days=3))
    assert await sweep(job) == Done()
    assert await storage.get("uploads/project/one.zip") is None
