"""Makes a run's Prefect artifacts: the result table, the quality table, the report's place."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.states import Completed, Failed

from checks.markdown import escape
from flows.artifact_writes import shown
from flows.batches import job_title
from pipeline.errors import ServiceUnavailable
from pipeline.job_notes import gaps_of
from pipeline.states import FAILED, JobState, state_title
from pipeline.store import quality, runs
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.job_failures import NONE_LEFT, JobFailure, Unfinished
from pipeline.store.quality import RuleSummary
from pipeline.store.runs import RunDocument
from stages.services import Services

# A table artifact of thousands of rows is no use to a reader and a load for the server.
_MOST_ROWS = 200
_MOST_LINES = 20


@retry_on_restart
async def publish_artifacts(parts: Services, run_id: UUID) -> None:
    """Leave the tables of a finished run, and say in its log what failed."""
    async with parts.database.service() as connection:
        documents = await runs.run_documents(connection, run_id)
        rules = await quality.summarize(connection, run_id)
    listed = sorted(documents, key=lambda each: each.state == JobState.COMPLETE)[:_MOST_ROWS]
    tell_failures([_failure(each) for each in documents if each.state in FAILED])
    table = acreate_table_artifact(
        [_line(each) for each in listed],
        key="documents",
        description=f"{len(documents)} documents{_left_out(len(documents))}. "
        "Their names: `navigator status ID`, or the dashboard.",
    )
    checked = acreate_markdown_artifact(
        _quality_table(rules), key="quality-gate", description="What the quality gate checked"
    )
    await asyncio.gather(shown(table), shown(checked))


def tell_failures(failures: Sequence[JobFailure]) -> None:
    """Say in the run's log which documents ended without being published, why, and what to do."""
    for each in failures[:_MOST_LINES]:
        get_run_logger().warning("%s: %s", each.name, each.told)
    if len(failures) > _MOST_LINES:
        get_run_logger().warning("and %d more; see the table", len(failures) - _MOST_LINES)


def _failure(each: RunDocument) -> JobFailure:
    title = job_title(each.job_id)
    return JobFailure(title, each.state, each.error_message or "", each.error_remedy or "")


def closing_state(
    published: int,
    documents: int | None = None,
    ended: Sequence[JobFailure] = (),
    left: Unfinished = NONE_LEFT,
) -> State[Any]:
    """The closing state of a batch in Prefect: Completed by that name only when nothing waits.

    Args:
        documents: how many the batch had; as many as were published, when left out.
        ended: those that ended without being published.
    """
    documents = published if documents is None else documents
    message = f"{published} of {documents} documents published"
    if left.waiting:
        message += f"; {left.waiting} are waiting"
        reason = ServiceUnavailable(f"{message}.", code="not_finished")
        return Failed(name="Not finished", message=message, data=reason)
    if left.elsewhere:
        message += f"; {left.elsewhere} are worked on by another run"
        return Completed(name="Left to another run", message=message, data=published)
    if documents == 1 and ended:
        return Completed(
            name=state_title(ended[0].state).capitalize(), message=ended[0].told, data=published
        )
    closing = None if published == documents else "Some failed" if ended else "Nothing waited"
    return Completed(name=closing, message=message, data=published)


def _left_out(documents: int) -> str:
    return f"; the first {_MOST_ROWS} are shown, failures first" if documents > _MOST_ROWS else ""


def _line(each: RunDocument) -> dict[str, object]:
    return {
        "document": job_title(each.job_id),
        "state": state_title(each.state).capitalize(),
        "pages": each.pages,
        "chunks": each.chunks,
        "tokens": each.tokens,
        "cost (USD)": float(each.cost_usd),
        "seconds": round(each.seconds, 2),
        "gaps": " ".join(gap.message for gap in gaps_of(each.notes)),
        "what to do": _what_to_do(each),
    }


def _what_to_do(each: RunDocument) -> str:
    remedies = dict.fromkeys(gap.remedy for gap in gaps_of(each.notes))
    return " ".join(filter(None, (each.error_message, each.error_remedy, *remedies)))


def _quality_table(rules: Sequence[RuleSummary]) -> str:
    lines = ["| | suite | rule | checked | failed |", "|---|---|---|---:|---:|"]
    lines += [
        f"| {'✓' if each.failed == 0 else '!' if each.severity == 'warning' else '✗'} "
        f"| {each.suite.replace('_', ' ')} v{each.suite_version} "
        f"| {escape(each.title)} | {each.evaluated:,} | {each.failed:,} |"
        for each in rules
    ]
    return "\n".join(lines) if rules else "Nothing new had to be checked."
