"""Prints the history of one document or run (`navigator status DOCUMENT`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.terminal import run_report
from app.terminal.console import answers, dollars, number, right, table, tell, text
from app.terminal.database import reading
from app.terminal.documents import line_json, state_text
from app.terminal.gaps import print_notes
from app.terminal.run_report import RunReport, print_reason
from app.terminal.states import STATE_COLORS
from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.states import PUBLISHED, state_word
from stages.document_lookup import find_one

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pipeline.store.document_queries import DocumentView
    from pipeline.store.events import JobEvent
    from pipeline.store.job_queries import JobView

STAGES = ("parse", "validate", "chunk", "embed", "gate", "publish")


@dataclass(frozen=True, slots=True)
class DocumentHistory:
    """A document: its versions, newest first; its audit, oldest first; what the gate found.

    Attributes:
        quality: why the gate refused the newest version. warnings: what it only told.
    """

    document: DocumentView
    jobs: Sequence[JobView]
    events: Sequence[JobEvent]
    quality: Sequence[str]
    warnings: Sequence[str] = ()


async def read_history(
    settings: Settings, user: str | None, given: str
) -> DocumentHistory | RunReport:
    """The history of what a person names: a document, or a run by the beginning of its id.

    Raises:
        UsageError: it names nothing, or several documents.
    """
    from pipeline.store import events, job_queries, quality

    async with reading(settings, user) as connection:
        try:
            document = await find_one(connection, given)
        except UsageError:
            if (run := await _run(connection, given)) is not None:
                return run
            raise
        key = document.document_id
        return DocumentHistory(
            document,
            await job_queries.document_versions(connection, key),
            await events.of_document(connection, key),
            await quality.quality_findings(connection, key, "critical"),
            await quality.quality_findings(connection, key, "warning"),
        )


async def _run(connection: AsyncConnection, given: str) -> RunReport | None:
    from pipeline.store import summary

    run = await summary.find_run(connection, given.lower()) if len(given) >= 4 else None
    return await run_report.read_run(connection, run.run_id) if run else None


def print_history(told: DocumentHistory) -> None:
    """Print the history for a person."""
    document = told.document
    tell(text(document.name).plain, "bold")
    tell(f"  {text(document.source).plain}", "dim")
    answers().print("  State      ", state_text(document), sep="")
    tell(f"  Document   {document.document_id}")
    if document.tags:
        tell(f"  Tags       {text(', '.join(document.tags)).plain}")
    print_notes(document.notes)
    if told.jobs:
        _print_newest(told.jobs[0])
    # Of a version that is published now, an earlier attempt may have been refused.
    for sentence in told.quality if document.state not in PUBLISHED else ():
        tell(f"  Quality    {text(sentence).plain}")
    for sentence in told.warnings:
        tell(f"  Warning    {text(sentence).plain}", "yellow")
    if document.error_message and document.state not in PUBLISHED:
        print_reason(document.error_message, document.error_remedy)
    _print_versions(told.jobs)
    _print_events(told.events)


def _print_newest(job: JobView) -> None:
    tell(f"  Job        {job.job_id}" + (" (a worker is at it)" if job.claimed else ""))
    tell(f"  Parser     {job.parser}, chunker {job.chunker}")
    tell(f"  Model      {job.model}")
    if job.language:
        tell(f"  Language   {job.language}")
    for name, value in job.facts.items():
        tell(f"  Fact       {text(name).plain}: {text(value).plain}")
    seconds = [f"{s} {float(job.stage_seconds[s]):.2f}" for s in STAGES if s in job.stage_seconds]
    if seconds:
        tell(f"  Seconds    {', '.join(seconds)}")


def _print_versions(jobs: Sequence[JobView]) -> None:
    shown = table(
        right("Version"), ("State", {"no_wrap": True}), right("Pages"), right("Chunks"),
        right("Tokens"), right("Cost"), ("Taken in", {"no_wrap": True}), ("Job", {"no_wrap": True}),
    )  # fmt: skip
    for job in jobs:
        state = state_word(job.state)
        shown.add_row(
            number(job.version),
            text(state, STATE_COLORS.get(state, "")),
            number(job.pages),
            number(job.chunks),
            number(job.tokens),
            dollars(job.cost_usd),
            f"{job.created_at.astimezone():%Y-%m-%d %H:%M}",
            str(job.job_id)[:8],
        )
    answers().print(shown)


def _print_events(events: Sequence[JobEvent]) -> None:
    versions = len({event.job_id for event in events}) > 1
    job = [("Job", {"no_wrap": True})] if versions else []
    shown = table(("When", {"no_wrap": True}), "What happened", "By", *job)
    for event in events:
        shown.add_row(
            f"{event.at.astimezone():%Y-%m-%d %H:%M:%S}",
            text(_what(event)),
            text(actor_name(event.actor)),
            *([str(event.job_id)[:8]] if versions else []),
        )
    answers().print(shown)


def _what(event: JobEvent) -> str:
    if event.event == "relocated":  # its file was found at another path
        return f"relocated from {event.details.get('from', 'another path')}"
    step = " → ".join(filter(None, (event.from_state, event.to_state)))
    named = step if event.event == "moved" else f"{event.event}: {step}"
    return f"{named}: {event.details['why']}" if "why" in event.details else named


def actor_name(name: str) -> str:
    """A worker without its boot and start times: host and process tell a person enough."""
    parts = name.rsplit("/", 3)
    return f"{parts[0]}/{parts[2]}" if len(parts) == 4 else name


_VERSION = (
    "job_id", "version", "state", "published", "file_sha256", "file_bytes", "media_type",
    "parser", "chunker", "model", "pages", "chunks", "tokens", "billed_tokens", "cost_usd",
    "stage_seconds", "failures", "notes", "facts", "language", "attempt", "claimed",
    "error_code", "error_message", "error_remedy", "created_at", "finished_at",
)  # fmt: skip


_EVENT = ("at", "job_id", "event", "from_state", "to_state", "actor", "details")


def _version(job: JobView) -> dict[str, Any]:
    version = {name: getattr(job, name) for name in _VERSION}
    return {**version, "status": state_word(job.state)}


def history_json(told: DocumentHistory) -> dict[str, Any]:
    """The history as JSON."""
    return {
        "document": line_json(told.document),
        "versions": [_version(job) for job in told.jobs],
        "events": [{name: getattr(event, name) for name in _EVENT} for event in told.events],
        "quality_failures": list(told.quality),
        "quality_warnings": list(told.warnings),
    }
