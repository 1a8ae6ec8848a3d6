"""Parsing by LlamaParse, so that one file is paid for once whatever dies in between.

The right to submit is reserved in `parsed_files`; the intent is written before the call and the
job's id after it. A restart with an intent and no id first asks the service for the job.
"""

from __future__ import annotations

import asyncio
import time
from decimal import Decimal
from functools import partial
from uuid import UUID

from blocks.assembly import Services
from blocks.llamaparse_errors import UnknownJob
from blocks.parsers import LLAMAPARSE
from flows.stages.circuit import answered, patiently, permitted
from flows.stages.falling_back import (
    bought_before,
    may_fall_back,
    note_fallback,
    parse_instead,
)
from flows.stages.parse_prices import promise_cost
from flows.stages.removing import remove_abandoned
from flows.stages.texts import put_text, stored_text
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, PermanentError
from pipeline.identity import combined_sha256
from pipeline.parsing.kinds import PAGED, MediaType, usual_suffix
from pipeline.store import costs, parsed_files, service_calls
from pipeline.store.claims import ClaimedJob
from pipeline.store.notifications import news_or_pause
from pipeline.store.parsed_files import ParsedFile
from pipeline.store.service_calls import ServiceCall
from pipeline.store.transitions import Actor
from pipeline.store.unwanted import finish_wanted

_LEASE_SECONDS = 1800.0
_POLL_SECONDS = 2.0


async def parse_remotely(
    services: Services, job: ClaimedJob, content: bytes, media_type: MediaType, run_id: UUID
) -> ParsedDocument:
    """The text of a file, parsed by the service or by whoever is at it already.

    Raises:
        ParseError: the service cannot read the file.
        TransientError, RunStopped, ConfigurationError: as the client says.
    """
    while True:
        async with services.database.service() as connection:
            found = await parsed_files.reserve(
                connection,
                job.user_id,
                job.file_sha256,
                job.parser,
                services.worker,
                _LEASE_SECONDS,
            )
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
                return await _parse(services, job, content, media_type, run_id, found)
            except NavigatorError as error:
                if not may_fall_back(services, error):
                    raise
                return await _fall_back(services, job, content, media_type, run_id, error)
        await asyncio.sleep(_POLL_SECONDS)


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
        await remove_abandoned(services.database, services.storage, job.user_id)


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
) -> ParsedDocument:
    client = services.remote_parser
    assert client is not None
    started = time.perf_counter()
    promised = Decimal(0)
    try:
        await permitted(services, LLAMAPARSE)
        remote = reserved.remote_job_id
        if remote is None:
            promised = await promise_cost(services, content, media_type, run_id, job.source)
            remote = await _submit(services, job, content, media_type, reserved)
            await answered(services, LLAMAPARSE)
        # Listened for before the first look: an event in between is not missed.
        with services.parse_news.about(remote) as news:
            pause = partial(news_or_pause, news)
            paged = media_type in PAGED
            waiting = partial(client.wait, remote, paged=paged, pause=pause)
            document, credits_used = await patiently(services, LLAMAPARSE, waiting)
    except UnknownJob as error:
        # Lost or cancelled at the service: the caller's retry submits it anew.
        await _note_failure(services, job, run_id, error, started, promised, forget=True)
        raise
    except NavigatorError as error:
        # A job that the service ended for good is not asked for again.
        ended = isinstance(error, PermanentError)
        await _note_failure(services, job, run_id, error, started, promised, forget=ended)
        raise
    price = services.settings.llama_cloud_usd_per_credit
    cost = Decimal(0) if reserved.paid else credits_used * price
    await _keep(services, job, document, run_id, credits_used, cost, promised, started)
    return document


async def _submit(
    services: Services,
    job: ClaimedJob,
    content: bytes,
    media_type: MediaType,
    reserved: ParsedFile,
) -> str:
    client = services.remote_parser
    assert client is not None
    # Equal bytes of two users are two files to the service: nobody's text comes from another's job.
    external = combined_sha256([str(job.user_id), job.file_sha256])
    who = (job.user_id, job.file_sha256, job.parser, services.worker)
    async with services.database.service() as connection:
        await parsed_files.note_submission(connection, *who, None)
    remote: str | None = None
    if reserved.submitted:
        remote = await patiently(services, LLAMAPARSE, lambda: client.find(external))
    if remote is None:
        name = f"{job.document_id}{usual_suffix(media_type)}"
        submit = partial(client.submit, content, name, media_type.value, external)
        remote = await patiently(services, LLAMAPARSE, submit)
    async with services.database.service() as connection:
        await parsed_files.note_submission(connection, *who, remote)
    return remote


async def _keep(
    services: Services,
    job: ClaimedJob,
    document: ParsedDocument,
    run_id: UUID,
    credits_used: Decimal,
    cost: Decimal,
    promised: Decimal,
    started: float,
) -> None:
    """The text in place, then the record that it is, with the bill, in one transaction."""
    parse = await put_text(services, job, document, credits_used)
    async with services.database.service() as connection:
        wanted = await finish_wanted(connection, [parse])
        await service_calls.bill(connection, [(job.job_id, 0, cost)])
        await costs.spend(connection, run_id, reserved=promised, usd=cost)
        await service_calls.record(
            connection, _call(job, run_id, "ok", started, inputs=len(document.pages), cost=cost)
        )
    if not wanted:
        await remove_abandoned(services.database, services.storage, job.user_id)
    await answered(services, LLAMAPARSE)


async def _note_failure(
    services: Services,
    job: ClaimedJob,
    run_id: UUID,
    error: NavigatorError,
    started: float,
    promised: Decimal,
    *,
    forget: bool,
) -> None:
    await answered(services, LLAMAPARSE, None if isinstance(error, UnknownJob) else error)
    async with services.database.service() as connection:
        await costs.spend(connection, run_id, reserved=promised, usd=Decimal(0))
        await service_calls.record(connection, _call(job, run_id, error.code, started))
        await parsed_files.release(
            connection,
            job.user_id,
            job.file_sha256,
            job.parser,
            services.worker,
            forget=forget,
        )


def _call(
    job: ClaimedJob,
    run_id: UUID,
    outcome: str,
    started: float,
    *,
    inputs: int = 0,
    cost: Decimal = Decimal(0),
) -> ServiceCall:
    return ServiceCall(
        LLAMAPARSE,
        "parse",
        outcome,
        time.perf_counter() - started,
        inputs=inputs,
        cost_usd=cost,
        user_id=job.user_id,
        run_id=run_id,
    )
