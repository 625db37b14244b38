"""The main job, end to end: a manifest, a connection, an installation, its records, delivered and signed."""

from pathlib import Path

from conjunct.core.database import Database
from tests.support.platform import running_platform
from tests.support.reading import manifest


async def test_a_backfill_delivers_every_record_once(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await platform.set_up()
        [operation] = await platform.operations()
        ended = await platform.ended(operation["id"])
        assert ended["status"] == "success"
        assert ended["result"] == "[contacts] 250 records read"
        delivered = platform.delivered(operation["id"])
        assert len(delivered) == len(set(delivered)) == 250
        assert platform.receiver.forged == []


async def test_what_is_always_read_arrives_without_an_installation_by_hand(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await platform.deploy(manifest(enabled="always"))
        await platform.connect()
        await platform.receiver.wait_for(3)
        delivered = platform.delivered()
        assert len(delivered) == len(set(delivered)) == 250
        [installation] = await platform.send("GET", "/installations", 200)
        assert {message.body["installationId"] for message in platform.receiver.messages} == {installation["id"]}
        assert installation["createdBy"] == "consumer:ada"
