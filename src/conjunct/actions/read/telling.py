"""What a read says of itself in its operation's log: words for a builder, and the numbers in `details`."""

from __future__ import annotations

from datetime import datetime, timedelta

from conjunct.actions.read.failures import GiveUp
from conjunct.actions.read.figures import Figures
from conjunct.actions.read.remedies import remedy
from conjunct.actions.read.runs import Progress, Run
from conjunct.connectors import Page, ProviderError
from conjunct.installations import ReadObject, plan_mapping
from conjunct.operations import LogLine

MAX_LEFT_OUT = 10
"""Records of a page that are told of one by one."""

MAX_LEFT_OUT_OF_RUN = 200
"""Of a run; the summary counts them all."""

MAX_INTERRUPTIONS = 100
"""Times that a run was tried again or waited, that are told of; then the 128th, 256th … The summary counts them all."""

MANY = 10_000
"""Records between two lines of progress, at least."""


def beginning(read_object: ReadObject, read_type: str, since: datetime | None, until: datetime | None) -> LogLine:
    """The line with which a long read begins: what is asked for."""
    window = "all records"
    if since is not None:
        window = f"what changed since {_time(since)}" + (f" until {_time(until)}" if until else "")
    elif until is not None:
        window = f"what changed until {_time(until)}"
    filters = read_object.backfill.filters if read_type == "backfill" else read_object.filters
    fields = plan_mapping(read_object).requested
    only = f", of those with {', '.join(name for name, _ in filters)} as the filter says" if filters else ""
    what = "all fields" if "*" in fields else f"{len(fields)} fields"
    return LogLine(
        "INFO",
        f"Reading {read_object.object_name} ({read_type}): {window}{only}, with {what}.",
        details={
            "object": read_object.object_name,
            "readType": read_type,
            **({"since": _time(since)} if since else {}),
            **({"until": _time(until)} if until else {}),
            "fields": str(len(fields)),
            "filters": str(len(filters)),
        },
    )


def is_worth_telling(read_type: str, progress: Progress) -> bool:
    """Whether a long read is so much further than when the log last told of it: a tenth of all, or twice as far."""
    if read_type == "scheduled":
        return False
    told = progress.figures.told
    step = progress.estimated // 10 if progress.estimated else told
    return progress.records - told >= max(step, MANY)


def on_the_way(run: Run, progress: Progress) -> LogLine:
    """How far a read has come."""
    of = f" of about {progress.estimated:,}" if progress.estimated else ""
    said = f"{progress.records:,}{of} records of {run.object_name} read so far."
    return LogLine("INFO", said, details=figures_of(progress))


def ending(run: Run, progress: Progress, seconds: float) -> LogLine | None:
    """What the read has done, in the end; None for a scheduled one that found nothing and had no trouble."""
    figures = progress.figures
    if run.read_type == "scheduled" and not (progress.records or progress.failed or figures.retries or figures.waits):
        return None
    parts = [
        f"{_count(figures.requests, 'request')} to the provider ({figures.provider_seconds:.1f} s)",
        _went(figures.delivered, figures.kept, figures.held) + f" ({figures.delivery_seconds:.1f} s)",
    ]
    if progress.failed:
        parts.append(f"{_count(progress.failed, 'record')} left out")
    if figures.retries:
        parts.append(f"tried again {_count(figures.retries, 'time')}")
    if figures.waits:
        parts.append(f"waited {_count(figures.waits, 'time')} for others")
    if run.restarts:
        parts.append(f"begun anew {_count(run.restarts, 'time')}")
    said = (
        f"{_count(progress.records, 'record')} of {run.object_name} read in {_count(progress.page, 'page')} and "
        f"{seconds:.1f} s: {', '.join(parts)}."
    )
    return LogLine("INFO", said, details=figures_of(progress))


def records_left_out(run: Run, progress: Progress, page: Page) -> list[LogLine]:
    """Why records of a page could not be read; the first ones of it, and of the run."""
    room = min(MAX_LEFT_OUT, max(0, MAX_LEFT_OUT_OF_RUN - progress.failed))
    return [
        LogLine(
            "WARNING",
            f"A record of {run.object_name} could not be read and was left out.",
            error=failed.reason,
            details={"page": str(progress.page), "place": str(failed.index)},
        )
        for failed in page.failed[:room]
    ]


def clock_ahead(by: timedelta) -> LogLine:
    """The line for a clock of ours that runs ahead of the provider's."""
    said = (
        f"By the provider's clock it is {by.total_seconds():.0f} s earlier than by ours. So that nothing is left out, "
        "the next read begins by its clock. Whoever runs Conjunct should set the host's clock right."
    )
    return LogLine("WARNING", said, details={"aheadSeconds": str(round(by.total_seconds()))})


def giving_up(run: Run, reason: str, decision: GiveUp, error: ProviderError | None) -> LogLine:
    """The line with which a read fails: why, what becomes of it, what to do."""
    if decision.bad_credentials:
        said = "The provider does not accept the connection's credentials. Its reads rest until they are changed."
    elif decision.hopeless:
        said = "The read failed for a reason that trying again cannot mend."
    elif run.read_type == "triggered":
        said = "The read failed. Trigger it again for what it would have brought."
    else:
        said = "The read failed. What it would have brought is read by the next one."
    advice = {} if error is None else {"remedy": remedy(error.kind)}
    details = {**details_of(error), **advice, **figures_of(run.progress)}
    return LogLine("ERROR", said, error=reason, details=details)


def details_of(error: ProviderError | None) -> dict[str, str]:
    """An error's class and codes."""
    if error is None:
        return {}
    known = {"kind": error.kind.value, "origin": error.origin, "status": error.status, "code": error.code}
    return {name: str(value) for name, value in known.items() if value is not None}


def figures_of(progress: Progress) -> dict[str, str]:
    """The numbers of a run so far, as texts; those that are 0 are left out, but for the first two."""
    figures = progress.figures
    more = {
        "recordsLeftOut": progress.failed,
        "recordsEstimated": progress.estimated,
        "requests": figures.requests,
        "messagesDelivered": figures.delivered,
        "messagesKept": figures.kept,
        "messagesHeld": figures.held,
        "retries": figures.retries,
        "waits": figures.waits,
        "providerSeconds": round(figures.provider_seconds, 3),
        "limitSeconds": round(figures.limit_seconds, 3),
        "mappingSeconds": round(figures.mapping_seconds, 3),
        "deliverySeconds": round(figures.delivery_seconds, 3),
    }
    shown = {"records": progress.records, "pages": progress.page} | {name: each for name, each in more.items() if each}
    return {name: str(value) for name, value in shown.items()}


def seldom(count: int) -> bool:
    """Whether the so manieth of a kind is told: the 1st, 2nd, 4th, 8th …, so that thousands make a dozen lines."""
    return count & (count - 1) == 0


def has_room(figures: Figures) -> bool:
    """Whether the log of a run with so many interruptions has room for the last: some have one at every page."""
    count = figures.retries + figures.waits
    return count <= MAX_INTERRUPTIONS or seldom(count)


def _went(delivered: int, kept: int, held: int) -> str:
    parts = [(delivered, "delivered"), (kept, "kept to be sent later"), (held, "held until they are asked for")]
    told = [f"{_count(number, 'message')} {what}" for number, what in parts if number]
    return ", ".join(told) or "no message"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _time(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
