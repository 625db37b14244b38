"""What an operation's log says of its read, to somebody who wants to know why; and what it does not say."""

from __future__ import annotations

from pathlib import Path

from conjunct.actions.read import telling
from conjunct.actions.read.figures import Figures
from conjunct.actions.read.runs import Place, Progress
from conjunct.core.database import Database
from conjunct.simulators import SimulatorOptions
from tests.support.platform import running_platform, running_worker
from tests.support.reading import backfilled, hurry, logs, run_of, scheduled_read, set_up, touch, until


async def test_a_backfill_says_what_it_asks_for_and_what_it_did(
    database: Database, tmp_path: Path, quick_retries: None
) -> None:
    async with running_platform(database, tmp_path, worker=False) as platform:
        await set_up(platform, backfill={"defaultPeriod": {"days": 20000}})
        [operation] = await platform.operations()
        before = len(platform.hubspot.journal.last(1000))
        platform.hubspot.faults.set(["500@page=3"])
        platform.receiver.fail(503, times=1)
        async with running_worker(platform.services):
            await platform.ended(operation["id"])
        begun, failed, ended = await logs(platform, operation["id"])
        assert begun["msg"].startswith("Reading contacts (backfill): what changed since 19")
        assert begun["msg"].endswith(", with 3 fields.")
        assert begun["details"] | {"since": "", "until": ""} == {
            "object": "contacts",
            "readType": "backfill",
            "since": "",
            "until": "",
            "fields": "3",
            "filters": "0",
        }
        assert failed["msg"].startswith("The provider failed. It is the 1st failure since the last page, and 8 end")
        assert (failed["severity"], failed["details"]["status"]) == ("WARNING", "500")
        numbers = ended["details"]
        records = int(numbers["records"])
        assert ended["msg"].startswith(f"{records:,} records of contacts read in {numbers['pages']} pages and ")
        assert "tried again 1 time." in ended["msg"]
        assert numbers["recordsEstimated"] == numbers["records"]
        delivered, kept = int(numbers["messagesDelivered"]), int(numbers["messagesKept"])
        assert (delivered + kept, kept, numbers["retries"]) == (int(numbers["pages"]), 1, "1")
        asked = len(platform.hubspot.journal.last(1000)) - before
        assert int(numbers["requests"]) == asked  # those of the attempt that failed too
        assert float(numbers["providerSeconds"]) > 0
        assert float(numbers["deliverySeconds"]) > 0


async def test_a_scheduled_read_that_found_nothing_says_nothing(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        quiet = await scheduled_read(platform)
        assert await logs(platform, quiet["id"]) == []
        touch(platform, 2)
        busy = await scheduled_read(platform)
        [line] = await logs(platform, busy["id"])
        assert line["msg"].startswith("2 records of contacts read in 1 page and ")
        assert "1 message delivered" in line["msg"]


async def test_a_failure_says_what_to_do_about_it(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path) as platform:
        await backfilled(platform)
        platform.hubspot.faults.set(["403:1"])
        failed = await scheduled_read(platform)
        [line] = await logs(platform, failed["id"])
        assert line["details"]["remedy"].startswith("Have the customer's user given access to the object")
        assert line["details"]["requests"] == "1"


async def test_thousands_of_waits_make_a_dozen_lines(database: Database, tmp_path: Path) -> None:
    async with running_platform(database, tmp_path, worker=False, simulated=SimulatorOptions(records=5)) as platform:
        await set_up(platform)
        [operation] = await platform.operations()
        platform.hubspot.faults.set(["429:1"])

        async def waited() -> bool:
            await hurry(platform)
            return bool((await run_of(platform, operation["id"])).waits >= 5)

        async with running_worker(platform.services):
            await until(waited)
            platform.hubspot.faults.set([])
            while (await run_of(platform, operation["id"])).active:
                await hurry(platform)
        lines = [line["msg"] for line in await logs(platform, operation["id"]) if line["severity"] == "WARNING"]
        assert len(lines) == 3  # the 1st, 2nd and 4th of five or six
        assert lines[0].endswith("the read goes on in 1 s.")
        assert lines[2].endswith("It is the 4th wait since the last page.")


def test_a_long_read_tells_of_a_tenth_or_of_twice_as_much_and_of_ten_thousand_at_least() -> None:
    def told(estimated: int | None, read_type: str = "backfill") -> list[int]:
        lines = [0]
        for records in range(1000, 1_001_000, 1000):
            progress = Progress(Place(), 1, records, 0, estimated, figures=Figures(told=lines[-1]))
            if telling.is_worth_telling(read_type, progress):
                lines.append(records)
        return lines[1:]

    assert told(1_000_000) == [100_000 * number for number in range(1, 11)]
    assert told(None) == [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000]
    assert told(1_000_000, "scheduled") == []
    assert len(told(1000)) == 100
