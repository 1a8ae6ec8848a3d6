"""`navigator retry`, `resume`, `delete`, `erase`: what a person does to what is there."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import AsyncExitStack
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from app.cli.ingest import run_to_report
from app.prefect.flow_process import connect
from app.terminal.console import say, text
from app.terminal.database import reading
from app.terminal.run_report import RunReport
from app.terminal.states import word
from pipeline.errors import UsageError
from pipeline.identity import OPERATOR, user_id
from pipeline.settings import Settings
from pipeline.states import FAILED
from stages.document_lookup import find_one

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipeline.store.addresses import Addresses
    from pipeline.store.deletion import Deleted
    from pipeline.store.history import DocumentLine
    from stages.erasing import ErasedUser

_MOST = 100_000
_TO_RETRY = ("failed", "waiting", "stopped", "cancelled")


async def chosen(settings: Settings, user: str | None, given: Sequence[str]) -> list[DocumentLine]:
    """The documents that a person names, each once.

    Raises:
        UsageError: one of them is none, or several.
    """
    async with reading(settings, user) as connection:
        found = [await find_one(connection, each) for each in given]
    return list({each.document_id: each for each in found}.values())


async def failed(settings: Settings, user: str | None) -> list[DocumentLine]:
    """All documents that failed."""
    from pipeline.store import history

    async with reading(settings, user) as connection:
        found, _ = await history.list_documents(connection, states=FAILED, limit=_MOST)
    return found


def retry(
    settings: Settings, user: str | None, given: Sequence[str], *, all_failed: bool
) -> RunReport | None:
    """Try failed documents again, from their last good state; None when there is none.

    Raises:
        UsageError: nothing is named, or a named document did not fail.
    """
    if bool(given) == all_failed:
        raise UsageError(
            "Say which documents to retry.",
            remedy="Name them, or give --failed for all that failed.",
        )
    addresses = connect(settings)
    if all_failed:
        documents = asyncio.run(failed(settings, user))
    else:
        documents = asyncio.run(chosen(settings, user, given))
    for each in documents:
        if word(each.state or "", each.error_code) not in _TO_RETRY:
            raise UsageError(
                f"{text(each.name).plain} did not fail: it is {word(each.state or 'unknown')}.",
                remedy="To take a changed file in again, use `navigator ingest`.",
            )
    if not documents:
        return None
    jobs = [each.job_id for each in documents if each.job_id is not None]
    return _go_on(settings, user, addresses, jobs)


def resume(settings: Settings, user: str | None, given: str, cap: Decimal | None) -> RunReport:
    """Go on with what was stopped of a run.

    Args:
        given: the beginning of the run's id. cap: in dollars, for what goes on.

    Raises:
        UsageError: there is no such run, or nothing of it was stopped.
    """
    addresses = connect(settings)
    jobs = asyncio.run(_stopped(settings, user, given))
    return _go_on(settings, user, addresses, jobs, kind="resume", cap=cap)


async def _stopped(settings: Settings, user: str | None, given: str) -> list[UUID]:
    from pipeline.store import stops, summary

    async with reading(settings, user) as connection:
        run = await summary.find_run(connection, given.lower())
        found = await stops.stopped_jobs(connection, run.run_id) if run else {}
        others = await stops.stopped_runs(connection)
    if found:
        return [job for jobs in found.values() for job in jobs]
    named = ", ".join(str(each.run_id)[:8] for each in others)
    what = f"Nothing of the run {given} was stopped." if run else f"There is no run {given!r}."
    raise UsageError(
        what, remedy=f"Runs that can be resumed: {named}." if named else "No run was stopped."
    )


def _go_on(
    settings: Settings,
    user: str | None,
    addresses: Addresses,
    jobs: Sequence[UUID],
    *,
    kind: str = "retry",
    cap: Decimal | None = None,
) -> RunReport:
    owner, run_id = user_id(user or settings.user), uuid4()
    sent = asyncio.run(_send_back(settings, owner, run_id, jobs, kind, cap))

    def start() -> Awaitable[State[Any]]:
        from flows.backfill import backfill
        from flows.context import IngestOptions

        return backfill(
            job_ids=sent,
            user=str(owner),
            options=IngestOptions.model_validate({"max_cost_usd": cap}),
            run_id=run_id,
            return_state=True,
        )

    return run_to_report(run_id, owner, start, settings, addresses)


async def _send_back(
    settings: Settings,
    owner: UUID,
    run_id: UUID,
    jobs: Sequence[UUID],
    kind: str,
    cap: Decimal | None,
) -> list[UUID]:
    from stages.retrying import send_back
    from stages.services import open_services

    async with open_services(settings) as services:
        return await send_back(services, owner, run_id, jobs, kind=kind, max_cost_usd=cap)


async def delete(settings: Settings, documents: Sequence[DocumentLine]) -> Deleted:
    """Delete documents with everything made of them; running jobs are fenced."""
    from pipeline.store.transitions import Actor
    from stages.services import open_services
    from stages.syncing import delete as remove

    async with open_services(settings) as services:
        ids = [each.document_id for each in documents]
        return await remove(services.database, services.storage, ids, Actor("person"))


async def erase(settings: Settings, user: UUID) -> ErasedUser:
    """Erase a user, with everything that says something about them."""
    from stages.erasing import erase as remove
    from stages.services import open_database, open_storage

    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        storage = await open_storage(settings)
        return await remove(database, storage, settings.home / "reports", user, OPERATOR)


def list_for_deletion(documents: Sequence[DocumentLine]) -> None:
    """Show what is about to go."""
    for each in documents[:20]:
        say(f"  {text(each.name).plain}  ({text(each.source).plain})")
    if len(documents) > 20:
        say(f"  … and {len(documents) - 20:,} more")
