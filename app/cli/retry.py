"""`navigator retry`: retries failed documents from their last good state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID, uuid4

import typer

from app.ingestion import run_to_report
from app.prefect.flow_process import connect
from app.terminal import options
from app.terminal.console import print_json, tell, text
from app.terminal.database import reading
from app.terminal.documents import chosen
from app.terminal.options import Json, User
from app.terminal.run_report import RunReport, show_run
from app.terminal.run_view import TerminalView
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import Settings, load_settings
from pipeline.states import FAILED, state_word

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipeline.store.database_urls import Addresses
    from pipeline.store.document_queries import DocumentView

_MOST = 100_000
_TO_RETRY = ("failed", "waiting", "stopped", "cancelled")


async def failed(settings: Settings, user: str | None) -> list[DocumentView]:
    """All documents that failed."""
    from pipeline.store.document_queries import DocumentFilter, documents_by_name

    async with reading(settings, user) as connection:
        found, _ = await documents_by_name(connection, DocumentFilter(FAILED), limit=_MOST)
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
    addresses = connect(settings, TerminalView())
    if all_failed:
        documents = asyncio.run(failed(settings, user))
    else:
        documents = asyncio.run(chosen(settings, user, given))
    for each in documents:
        if state_word(each.state or "", each.error_code) not in _TO_RETRY:
            state = state_word(each.state or "unknown")
            raise UsageError(
                f"{text(each.name).plain} did not fail: it is {state}.",
                remedy="To take a changed file in again, use `navigator ingest`.",
            )
    if not documents:
        return None
    jobs = [each.job_id for each in documents if each.job_id is not None]
    return go_on(settings, user, addresses, jobs)


def go_on(
    settings: Settings,
    user: str | None,
    addresses: Addresses,
    jobs: Sequence[UUID],
    *,
    kind: str = "retry",
    cap: Decimal | None = None,
) -> RunReport:
    """Send jobs back and run them to their end.

    Args:
        kind: of the run. cap: in dollars.
    """
    owner, run_id = user_id(user or settings.user), uuid4()
    sent = asyncio.run(_send_back(settings, owner, run_id, jobs, kind, cap))

    def start() -> Awaitable[State[Any]]:
        from flows.backfill import backfill
        from pipeline.run_options import RunOptions

        return backfill(
            job_ids=sent,
            user=str(owner),
            options=RunOptions(max_cost_usd=cap),
            run_id=run_id,
            return_state=True,
        )

    return run_to_report(run_id, owner, start, settings, addresses, TerminalView())


async def _send_back(
    settings: Settings,
    owner: UUID,
    run_id: UUID,
    jobs: Sequence[UUID],
    kind: str,
    cap: Decimal | None,
) -> list[UUID]:
    from stages.retrying import retry_jobs
    from stages.services import open_services

    async with open_services(settings) as services:
        return await retry_jobs(services, owner, run_id, jobs, kind=kind, max_cost_usd=cap)


def command(
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
    password_file: options.PasswordFile = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Try failed documents again, from their last good state."""
    report = retry(load_settings(), user, documents or (), all_failed=failed)
    if report is not None:
        raise typer.Exit(show_run(report, {}, json=json))
    if json:
        print_json({"documents": []})
    else:
        tell("No document has failed: nothing to retry.")
