"""`navigator logs`: prints a document's history from database and log files, by time.

Calls of services and webhooks are told from the database, which has each once; the log files tell
the rest: requests, claims, stages, troubles.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from app.process.log_output import FOLDER
from app.terminal.console import print_line, say
from app.terminal.database import reading
from app.terminal.document_history import actor_name
from app.terminal.options import Json, User
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings
from stages.document_lookup import find_one

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pipeline.store.traces import TracedJob

FOLLOW_SECONDS = 0.5
_TOLD_BY_DATABASE = frozenset({"service_called", "webhook_received"})
_OLDER_NAMES = {"at": "timestamp", "way": "stack", "why": "reason"}
_SHORTEST_PREFIX = 4


@dataclass(frozen=True, slots=True)
class HistoryQuery:
    """Whose history; one of the first three is given."""

    document: str | None = None
    job: str | None = None
    correlation: str | None = None
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that happened.

    Attributes:
        source: audit, services, webhooks, or the process that logged it.
    """

    at: datetime
    source: str
    event: str
    fields: Mapping[str, Any]

    def as_json(self) -> str:
        """One line for a program."""
        first = {"at": self.at.isoformat(), "source": self.source, "event": self.event}
        return json.dumps({**first, **self.fields}, default=str, ensure_ascii=False)


async def entries(settings: Settings, asked: HistoryQuery) -> list[Entry]:
    """Everything that is known by now, by time.

    Raises:
        UsageError: nothing of that name or id is there.
    """
    from pipeline.store import traces

    async with reading(settings, asked.user) as connection:
        jobs, names = await _jobs(connection, asked)
        told = [_of_row(row) for row in await traces.read_traces(connection, [*jobs])]
    told += await asyncio.to_thread(lambda: list(_of_files(settings.home / FOLDER, names)))
    return sorted(told, key=lambda entry: entry.at)


async def following(settings: Settings, asked: HistoryQuery) -> AsyncIterator[Entry]:
    """The same, and then whatever comes; never ends by itself."""
    seen: set[str] = set()
    while True:
        for entry in await entries(settings, asked):
            if (line := entry.as_json()) not in seen:
                seen.add(line)
                yield entry
        await asyncio.sleep(FOLLOW_SECONDS)


async def _jobs(connection: AsyncConnection, asked: HistoryQuery) -> tuple[list[UUID], set[str]]:
    """The jobs that are meant, and every id that a log line may name them by."""
    from pipeline.store import traces

    if asked.document is not None:
        document = (await find_one(connection, asked.document)).document_id
        found = await traces.jobs_of_document(connection, document)
    elif asked.job is not None:
        found = await traces.jobs_by_prefix(connection, _prefix(asked.job))
        if len({each.job_id for each in found}) != 1:
            raise UsageError(
                f"{len(found) or 'No'} jobs begin with this id.",
                remedy="`navigator status DOCUMENT` shows the ids of its jobs.",
            )
    else:
        correlation = _correlation(asked.correlation)
        found = await traces.jobs_of_correlation(connection, correlation)
        # A request that came to no job has left lines in the logs alone.
        return [each.job_id for each in found], {str(correlation), *_ids(found)}
    return [each.job_id for each in found], _ids(found)


def _prefix(given: str) -> str:
    if len(given) < _SHORTEST_PREFIX:
        raise UsageError(f"A job's id is named by {_SHORTEST_PREFIX} characters or more.")
    return given.lower()


def _correlation(given: str | None) -> UUID:
    try:
        return UUID(given or "")
    except ValueError:
        raise UsageError(
            "Say whose history: a document, a job, or a correlation id.",
            remedy="Give --document, --job or --correlation with the id of an answer's header.",
        ) from None


def _ids(jobs: Iterable[TracedJob]) -> set[str]:
    return {
        str(value)
        for each in jobs
        for value in (each.job_id, each.document_id, each.correlation_id)
    }


def _of_row(row: Mapping[Any, Any]) -> Entry:
    fields = {
        name: value
        for name, value in row.items()
        if name not in ("at", "source", "event") and value not in (None, {}, "")
    }
    return Entry(row["at"], row["source"], row["event"], fields)


def _of_files(folder: Path, names: set[str]) -> Iterator[Entry]:
    for path in sorted(folder.glob("*.jsonl*")):
        try:
            with path.open(encoding="utf-8", errors="replace") as lines:
                yield from _of_lines(lines, names)
        except OSError:  # put aside or removed meanwhile
            continue


def _of_lines(lines: Iterable[str], names: set[str]) -> Iterator[Entry]:
    for line in lines:
        if not any(name in line for name in names):
            continue
        try:
            record = json.loads(line)
            at = datetime.fromisoformat(_in_todays_words(record).pop("timestamp"))
            source, event = record.pop("process"), record.pop("event")
        except (ValueError, KeyError, AttributeError, TypeError):
            continue  # a line that was cut off, or not ours
        if event not in _TOLD_BY_DATABASE:
            yield Entry(at.astimezone(UTC), str(source), str(event), record)


def _in_todays_words(record: dict[str, Any]) -> dict[str, Any]:
    """A line's fields by today's names, also where an older version wrote it."""
    for older, newer in _OLDER_NAMES.items():
        if older in record and newer not in record:
            record[newer] = record.pop(older)
    return record


def line_of(entry: Entry) -> str:
    """A line for a person."""
    left_out = {"pid", "logger", "correlation_id", "correlation_ids", "level"}
    shown = {name: value for name, value in entry.fields.items() if name not in left_out}
    step = " → ".join(str(shown.pop(name)) for name in ("from_state", "to_state") if name in shown)
    details = shown.pop("details", {})
    if "actor" in shown:
        shown["actor"] = actor_name(shown["actor"])
    said = " ".join(f"{name}={_short(value)}" for name, value in {**shown, **details}.items())
    time = f"{entry.at.astimezone():%Y-%m-%d %H:%M:%S}.{entry.at.microsecond // 1000:03}"
    return (
        f"{time}  {entry.source:<9} {entry.event:<18} {step + ' ' if step else ''}{said}".rstrip()
    )


def _short(value: Any) -> str:
    from pipeline.sources import printable

    text = printable(str(value), limit=200)
    return f'"{text}"' if " " in text else text


def command(
    document: Annotated[str | None, typer.Option(help="A path, a name, or an id.")] = None,
    job: Annotated[str | None, typer.Option(help="The beginning of a job's id.")] = None,
    correlation: Annotated[
        str | None, typer.Option(help="The X-Correlation-ID of an answer.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as it happens.")] = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Tell what happened to one document, job or request, in every process, by time."""
    asked = HistoryQuery(document, job, correlation, user)
    settings = load_settings()

    def show(entry: Entry) -> None:
        print_line(entry.as_json() if json else line_of(entry))

    async def follow_on() -> None:
        async for entry in following(settings, asked):
            show(entry)

    if follow:
        asyncio.run(follow_on())
        return
    told = asyncio.run(entries(settings, asked))
    for entry in told:
        show(entry)
    if not told and not json:
        say("Nothing is known of it, neither in the database nor in the logs.")
