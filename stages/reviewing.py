"""Works off what the gate quarantined or warned of: a person accepts, corrects or rejects it.

A decision can be taken back by another one; what is published then follows the gate again.

A decision is written down and told to the audit in one transaction with what follows from it, so
there is none that had no effect. What is accepted or corrected goes through every stage again: what
is stored, and every vector of an unchanged chunk, is found again and not paid for twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from pipeline.corrections import Correction, correct, normalized
from pipeline.errors import UsageError
from pipeline.states import PUBLISHED, JobState
from pipeline.store import acknowledging, retrying, review_decisions, run_jobs, runs
from pipeline.store.lock_order import lock_documents, lock_jobs
from pipeline.store.reconciling import corpus
from pipeline.store.review_decisions import ReviewDecision
from pipeline.store.transitions import Actor
from stages.retrying import retry_jobs
from stages.services import Services
from stages.text_storage import text_to_show

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pipeline.store.engine import Database
    from pipeline.store.page_queries import VersionView
    from pipeline.store.review_queries import ReviewItem

    _Write = Callable[[AsyncConnection, UUID], Awaitable[ReviewDecision]]

MOST_REASON = 1000
_REVIEWED = (JobState.QUARANTINED, *PUBLISHED)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """What came of a decision.

    Attributes:
        jobs: to be worked on, in the run; empty where nothing has to be made again.
    """

    decision: ReviewDecision
    run_id: UUID
    jobs: tuple[UUID, ...] = ()


async def accept(services: Services, item: ReviewItem, reason: str, who: str) -> Reviewed:
    """Let pass what the gate said of a document; a quarantined one is published despite it."""
    reason = _reason(reason)
    if item.state != JobState.QUARANTINED:
        async with services.database.service() as connection:
            await _locked(connection, item.document_id, item.job_id)
            made = await _add(connection, item, "accept", reason, who)
        return Reviewed(made, uuid4())

    async def write(connection: AsyncConnection, run_id: UUID) -> ReviewDecision:
        return await _add(connection, item, "accept", reason, who, run_id)

    return await _again(services, item.document_id, item.job_id, item.user_id, write)


async def reject(database: Database, item: ReviewItem, reason: str, who: str) -> Reviewed:
    """Leave a document in quarantine for good: no list and no later run brings it up.

    Raises:
        UsageError: readers see it.
    """
    reason = _reason(reason)
    if item.state != JobState.QUARANTINED:
        raise UsageError(
            "The document is published, so readers see it.",
            remedy="Delete it, send a better file for its source, or correct its text.",
        )
    async with database.service() as connection:
        await _locked(connection, item.document_id, item.job_id)
        made = await _add(connection, item, "reject", reason, who)
        await acknowledging.acknowledge(connection, [item.job_id], Actor("person"))
    return Reviewed(made, uuid4())


async def put_right(
    services: Services, version: VersionView, correction: Correction, reason: str, who: str
) -> Reviewed:
    """Correct what was read of a page; the document is judged and published again.

    Args:
        version: the newest one of its document.

    Raises:
        UsageError: what is to be corrected does not stand there, or nothing would change.
        ObjectMissing: its text is no longer stored.
    """
    reason = _reason(reason)
    given = Correction(
        correction.page, correction.before, normalized(correction.after),
        correction.occurrence, correction.cell,
    )  # fmt: skip
    if given.before == given.after or (not given.before and given.cell is None):
        raise UsageError("The correction changes nothing.")
    if version.parsed_key is None:
        raise UsageError("This version was not read, so there is nothing to correct.")
    document = await text_to_show(services.storage, services.texts, version.parsed_key)
    if not correct(document, [(uuid4(), given)]).applied:
        raise UsageError(
            "What is to be corrected does not stand there.",
            remedy="Look at the page again. A table is corrected cell by cell.",
        )

    async def write(connection: AsyncConnection, run_id: UUID) -> ReviewDecision:
        return await review_decisions.add(
            connection, uuid4(), version.job_id, "correct", reason, who,
            run_id=run_id, correction=given.record(),
        )  # fmt: skip

    return await _again(services, version.document_id, version.job_id, version.user_id, write)


async def undo(
    services: Services,
    decision: ReviewDecision,
    newest: VersionView,
    reason: str,
    who: str,
) -> Reviewed:
    """Take a decision back; it stays in the record, and holds no longer.

    What was accepted or corrected is read and judged without it. What readers see stays until the
    gate has judged; where it refuses, it is withdrawn. What was rejected waits for a review again.

    Args:
        newest: the newest version of its document.

    Raises:
        UsageError: it was taken back already, or it took back another one.
    """
    reason = _reason(reason)
    if decision.undoes is not None:
        raise UsageError(
            "A decision that took another one back is not taken back itself.",
            remedy="Accept, correct or reject the document again.",
        )
    judged_again = newest.file_sha256 == decision.file_sha256
    job = newest.job_id if judged_again else decision.job_id

    async def write(connection: AsyncConnection, run_id: UUID | None) -> ReviewDecision:
        return await review_decisions.add(
            connection, uuid4(), job, "undo", reason, who, run_id=run_id, undoes=decision.id
        )

    if judged_again and decision.decision != "reject":
        return await _again(services, newest.document_id, job, newest.user_id, write)
    async with services.database.service() as connection:
        if judged_again:
            await _locked(connection, newest.document_id, job)
            await acknowledging.forget(connection, job)
        made = await write(connection, None)
    return Reviewed(made, uuid4())


async def _again(
    services: Services, document: UUID, job: UUID, user: UUID, write: _Write
) -> Reviewed:
    """Write a decision down and send its document through every stage again."""
    run_id = uuid4()
    who = Actor("person", run_id)
    async with services.database.service() as connection:
        await runs.start_run(connection, run_id, user, "review")
        state = await _locked(connection, document, job)
        decision = await write(connection, run_id)
        # what was read before the decision is no longer taken for read
        await retrying.forget_reading(connection, [job])
        other = await retrying.other_versions(connection, [job], services.version)
        if not other:
            if state == JobState.QUARANTINED:
                await retrying.retry_jobs(connection, [job], who, user)
            else:
                await corpus.retry_jobs(connection, [document], who, "review")
            await run_jobs.join_run(connection, [job], "waiting", who)
    if other:  # made by another pipeline than today's: today's makes it
        renewed = await retry_jobs(services, user, run_id, [job], kind="review")
        return Reviewed(decision, run_id, tuple(renewed))
    return Reviewed(decision, run_id, (job,))


async def _locked(connection: AsyncConnection, document: UUID, job: UUID) -> JobState:
    """Lock what is decided of; where it stands.

    Raises:
        UsageError: it is worked on at this moment, or a newer version came.
    """
    await lock_documents(connection, [document])
    await lock_jobs(connection, [job])
    state = await review_decisions.state_of(connection, document, job)
    if state not in _REVIEWED:
        raise UsageError(
            "The document is being worked on, or a newer version has come.",
            remedy="Look again in a moment.",
        )
    return JobState(state)


async def _add(
    connection: AsyncConnection,
    item: ReviewItem,
    decision: str,
    reason: str,
    who: str,
    run_id: UUID | None = None,
) -> ReviewDecision:
    return await review_decisions.add(
        connection, uuid4(), item.job_id, decision, reason, who,
        run_id=run_id, findings=_findings(item),
    )  # fmt: skip


def _findings(item: ReviewItem) -> Sequence[dict[str, object]]:
    names = ("suite", "rule", "sentence", "failed")
    return [{name: each[name] for name in names} for each in item.findings]


def _reason(given: str) -> str:
    reason = " ".join(given.split())
    if not reason or len(reason) > MOST_REASON:
        raise UsageError(f"Say why, in at most {MOST_REASON} characters.")
    return reason
