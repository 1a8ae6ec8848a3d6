"""Reviews for the command line: decides of a document, and takes it through every stage again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.ingestion import run_to_report
from app.prefect.flow_process import connect
from app.terminal.database import reading
from app.terminal.run_view import TerminalView
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.settings import Settings
from pipeline.worker_identity import operator_account
from stages.document_lookup import find_one

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from app.terminal.run_report import RunReport
    from pipeline.corrections import Correction
    from pipeline.store.database_urls import Addresses
    from pipeline.store.document_queries import DocumentView
    from pipeline.store.page_queries import VersionView
    from pipeline.store.review_decisions import ReviewDecision
    from pipeline.store.review_queries import ReviewItem
    from stages.reviewing import Reviewed
    from stages.services import Services

_MOST = 1000


@dataclass(frozen=True, slots=True)
class Outcome:
    """A decision, and the run that followed from it, if one did."""

    reviewed: Reviewed
    report: RunReport | None


async def waiting(settings: Settings, user: str | None) -> list[ReviewItem]:
    """What waits for a user's review, newest first, up to a thousand."""
    from pipeline.store.review_queries import list_items

    async with reading(settings, user) as connection:
        return await list_items(connection, None, _MOST)


def accept(settings: Settings, user: str | None, given: str, reason: str) -> Outcome:
    """Let pass what the gate said of a document.

    Raises:
        UsageError: it waits for no review.
    """

    async def decide(services: Services) -> Reviewed:
        from stages import reviewing

        item = await _item(services, settings, user, given)
        return await reviewing.accept(services, item, reason, operator_account())

    return _decided(settings, user, decide)


def reject(settings: Settings, user: str | None, given: str, reason: str) -> Outcome:
    """Leave a quarantined document unpublished for good.

    Raises:
        UsageError: it waits for no review, or it is published.
    """

    async def decide(services: Services) -> Reviewed:
        from stages import reviewing

        item = await _item(services, settings, user, given)
        return await reviewing.reject(services.database, item, reason, operator_account())

    return _decided(settings, user, decide)


def correct(
    settings: Settings, user: str | None, given: str, correction: Correction, reason: str
) -> Outcome:
    """Correct what was read of a document's newest version.

    Raises:
        UsageError: what is to be corrected does not stand there.
    """

    async def decide(services: Services) -> Reviewed:
        from stages import reviewing

        version = await _newest(services, settings, user, given)
        return await reviewing.put_right(services, version, correction, reason, operator_account())

    return _decided(settings, user, decide)


def undo(
    settings: Settings, user: str | None, given: str, decision: str | None, reason: str
) -> Outcome:
    """Take a decision of a document back.

    Args:
        decision: how its id begins; the newest one that holds when left out.

    Raises:
        UsageError: there is no such decision, or several.
    """

    async def decide(services: Services) -> Reviewed:
        from stages import reviewing

        version = await _newest(services, settings, user, given)
        found = await _decision(services, version, decision)
        return await reviewing.undo(services, found, version, reason, operator_account())

    return _decided(settings, user, decide)


def _decided(
    settings: Settings, user: str | None, decide: Callable[[Services], Awaitable[Reviewed]]
) -> Outcome:
    from stages.services import open_services

    async def decided() -> Reviewed:
        async with open_services(settings) as services:
            return await decide(services)

    addresses = connect(settings, TerminalView())
    reviewed = asyncio.run(decided())
    report = _run(settings, user, addresses, reviewed) if reviewed.jobs else None
    return Outcome(reviewed, report)


def _run(
    settings: Settings, user: str | None, addresses: Addresses, reviewed: Reviewed
) -> RunReport:
    owner = user_id(user or settings.user)

    def start() -> Awaitable[State[Any]]:
        from flows.backfill import backfill
        from pipeline.run_options import RunOptions

        return backfill(
            job_ids=list(reviewed.jobs),
            user=str(owner),
            options=RunOptions(),
            run_id=reviewed.run_id,
            return_state=True,
        )

    return run_to_report(reviewed.run_id, owner, start, settings, addresses, TerminalView())


async def _found(
    services: Services, settings: Settings, user: str | None, given: str
) -> DocumentView:
    async with services.database.reader(user_id(user or settings.user)) as connection:
        return await find_one(connection, given)


async def _item(services: Services, settings: Settings, user: str | None, given: str) -> ReviewItem:
    from pipeline.store.review_queries import find_item

    document = await _found(services, settings, user, given)
    async with services.database.reader(document.user_id) as connection:
        item = await find_item(connection, document.document_id)
    if item is None:
        raise UsageError(
            "The document waits for no review.", remedy="`navigator review list` shows what does."
        )
    return item


async def _newest(
    services: Services, settings: Settings, user: str | None, given: str
) -> VersionView:
    from pipeline.store.page_queries import find_version

    document = await _found(services, settings, user, given)
    async with services.database.reader(document.user_id) as connection:
        version = await find_version(connection, document.document_id, document.job_id)
    if version is None:
        raise UsageError("The document has no version.", remedy="Ingest its file again.")
    return version


async def _decision(services: Services, version: VersionView, given: str | None) -> ReviewDecision:
    from pipeline.store import review_decisions

    async with services.database.reader(version.user_id) as connection:
        decided = await review_decisions.of_document(connection, version.document_id)
    undone = {each.undoes for each in decided}
    hold = [each for each in decided if each.undoes is None and each.id not in undone]
    if given is not None:
        hold = [each for each in hold if str(each.id).startswith(given.lower())]
    if not hold or (given is not None and len(hold) > 1):
        raise UsageError(
            "Several decisions begin so." if hold else "There is no such decision that holds.",
            remedy="A decision's id is told when it is made, and stands in the document's history.",
        )
    return hold[0]
