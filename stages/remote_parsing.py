"""Has a service parse files, so that each is paid for once whatever dies in between.

The right to submit is reserved in `parsed_files`; the intent is written before the call and the
job's id after it. A restart with an intent and no id first asks the service for the job.
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from functools import partial
from uuid import UUID

from clients.parser import UnknownJob
from pipeline.documents import ParsedDocument
from pipeline.errors import FencedOut, NavigatorError, PermanentError
from pipeline.parsing.kinds import PAGED, MediaType
from pipeline.retry_policy import ATTEMPTS, Patience
from pipeline.store import cost_caps, parsed_files, service_calls
from pipeline.store.claims import ClaimedJob
from pipeline.store.cost_caps import Reservation
from pipeline.store.notifications import news_or_pause
from pipeline.store.orphaned_texts import finish_wanted
from pipeline.store.parsed_files import ParsedFile
from pipeline.store.transitions import Actor
from stages.circuit_breaker import answered, permitted
from stages.costs import reserve_parse_cost
from stages.fallback import (
    bought_before,
    may_fall_back,
    note_fallback,
    parse_instead,
)
from stages.garbage_collection import remove_orphaned_objects
from stages.parse_leases import ParseLease
from stages.services import Services
from stages.submission import Asking, parse_call, submit_once
from stages.text_storage import put_text, stored_text

_POLL_SECONDS = 2.0


async def parse_remotely(
    services: Services, job: ClaimedJob, content: bytes, media_type: MediaType, run_id: UUID
) -> ParsedDocument:
    """The text of a file, parsed by the service or by whoever is at it already.

    Raises:
        ParseError: the service cannot read the file.
        FencedOut: another worker has the job.
        TransientError, RunStopped, ConfigurationError: as the client says, after some patience.
    """
    patience = _patience(services)
    hold = ParseLease(services, job, run_id)
    lost = 0
    while True:
        found = await hold.reserve()
        if found.storage_key is not None:
            if (stored := await stored_text(services, found.storage_key)) is not None:
                return stored
            await _reopen(services, job)
            continue
        if found.mine:
            if (bought := await bought_before(services, job)) is not None:
                await _store(services, job, bought)
                return bought
            try:
                async with hold.kept():
                    return await _parse(services, job, content, media_type, run_id, found, hold)
            except FencedOut:
                continue  # of the job, or only of its bytes: the next reservation tells
            except UnknownJob:
                # Lost or cancelled at the service, and forgotten here: submitted anew.
                lost += 1
                if lost == ATTEMPTS:
                    raise
            except NavigatorError as error:
                if not may_fall_back(services, error):
                    raise
                return await _fall_back(services, job, content, media_type, run_id, error)
        await asyncio.sleep(patience.pause(lost) if found.mine else _POLL_SECONDS)


def _patience(services: Services) -> Patience:
    """None with an open circuit where another parser stands in."""
    settings = services.settings
    return Patience(settings.service_patience_seconds, settings.llama_cloud_fallback == "none")


async def _fall_back(
    services: Services,
    job: ClaimedJob,
    content: bytes,
    media_type: MediaType,
    run_id: UUID,
    error: NavigatorError,
) -> ParsedDocument:
    document = await parse_instead(services, content, media_type, error)
    await _store(services, job, document)
    await note_fallback(services, job, document, error, Actor(services.worker, run_id))
    return document


async def _store(services: Services, job: ClaimedJob, document: ParsedDocument) -> None:
    parse = await put_text(services, job, document)
    async with services.database.service() as connection:
        wanted = await finish_wanted(connection, [parse])
    if not wanted:
        await remove_orphaned_objects(services.database, services.storage, job.user_id)


async def _reopen(services: Services, job: ClaimedJob) -> None:
    """The text is lost; the service's job, paid for already, is asked for it first."""
    async with services.database.service() as connection:
        await parsed_files.reopen(connection, job.user_id, job.file_sha256, job.parser)


async def _parse(
    services: Services,
    job: ClaimedJob,
    content: bytes,
    media_type: MediaType,
    run_id: UUID,
    reserved: ParsedFile,
    hold: ParseLease,
) -> ParsedDocument:
    client = services.remote_parser
    assert client is not None
    started = time.perf_counter()
    promised = Reservation()
    asking = Asking(services, job, run_id, _patience(services))
    try:
        await permitted(services, client.service, asking.patience)
        remote = reserved.remote_job_id
        if remote is None:
            promised = await reserve_parse_cost(
                services, content, media_type, run_id, job.user_id, job.source
            )
            remote = await submit_once(services, job, content, media_type, reserved, hold, asking)
            await answered(services, client.service)
        # Listened for before the first look: an event in between is not missed.
        with services.parse_news.about(remote) as news:
            pause = partial(_pause_held, hold, news)
            paged = media_type in PAGED
            answer = await asking(partial(client.wait, remote, paged=paged, pause=pause))
    except FencedOut:
        await _give_up(services, job, run_id, promised, forget=False)
        raise
    except UnknownJob as error:
        await _note_failure(services, job, run_id, error, started, promised, forget=True)
        raise
    except NavigatorError as error:
        # A job that the service ended for good is not asked for again.
        ended = isinstance(error, PermanentError)
        await _note_failure(services, job, run_id, error, started, promised, forget=ended)
        raise
    usd = answer.usd
    if usd is None:
        usd = client.usd_per_page * len(answer.document.pages)
    units = usd if answer.units is None else answer.units
    cost = Decimal(0) if reserved.paid else usd
    await _keep(services, job, answer.document, run_id, units, cost, promised, started)
    return answer.document


async def _pause_held(hold: ParseLease, news: asyncio.Event, seconds: float) -> bool:
    early = await news_or_pause(news, seconds)
    await hold.recall()
    return early


async def _keep(
    services: Services,
    job: ClaimedJob,
    document: ParsedDocument,
    run_id: UUID,
    units: Decimal,
    cost: Decimal,
    promised: Reservation,
    started: float,
) -> None:
    """The text in place, then the record that it is, with the bill, in one transaction."""
    parse = await put_text(services, job, document, units)
    async with services.database.service() as connection:
        wanted = await finish_wanted(connection, [parse])
        await service_calls.bill(connection, [(job.job_id, 0, cost)])
        await cost_caps.settle(connection, run_id, promised, cost)
        await service_calls.record(
            connection,
            parse_call(services, job, run_id, "ok", started, inputs=len(document.pages), cost=cost),
            month=promised.month,
        )
    if not wanted:
        await remove_orphaned_objects(services.database, services.storage, job.user_id)
    await answered(services, services.parsing_service)


async def _note_failure(
    services: Services,
    job: ClaimedJob,
    run_id: UUID,
    error: NavigatorError,
    started: float,
    promised: Reservation,
    *,
    forget: bool,
) -> None:
    await answered(
        services, services.parsing_service, None if isinstance(error, UnknownJob) else error
    )
    async with services.database.service() as connection:
        await service_calls.record(
            connection, parse_call(services, job, run_id, error.code, started)
        )
    await _give_up(services, job, run_id, promised, forget=forget)


async def _give_up(
    services: Services, job: ClaimedJob, run_id: UUID, promised: Reservation, *, forget: bool
) -> None:
    """Give back the money that was promised, and the right to submit."""
    who = (job.user_id, job.file_sha256, job.parser, services.worker)
    async with services.database.service() as connection:
        await parsed_files.release(connection, *who, forget=forget)
        await cost_caps.settle(connection, run_id, promised, Decimal(0))
