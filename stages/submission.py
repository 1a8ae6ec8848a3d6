"""Sends requests about one document to the parsing service; the paid one is sent once."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from uuid import UUID

from pipeline.errors import NavigatorError
from pipeline.identity import combined_sha256
from pipeline.parsing.kinds import MediaType, usual_suffix
from pipeline.retry_policy import Patience
from pipeline.store import parsed_files, service_calls
from pipeline.store.claims import ClaimedJob
from pipeline.store.parsed_files import ParsedFile
from pipeline.store.service_calls import ServiceCall
from stages.circuit_breaker import Answer, answered, with_retries
from stages.parse_leases import ParseLease
from stages.services import Services


class Asking:
    """The requests about one document, each with its own attempts."""

    def __init__(
        self, services: Services, job: ClaimedJob, run_id: UUID, patience: Patience
    ) -> None:
        self._services, self._job, self._run_id = services, job, run_id
        self.patience = patience
        self._began = 0.0

    async def __call__(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer, after some patience."""

        async def timed() -> Answer:
            self._began = time.perf_counter()
            return await call()

        return await with_retries(
            self._services,
            self._services.parsing_service,
            timed,
            patience=self.patience,
            note=self._note,
        )

    async def _note(self, error: NavigatorError) -> None:
        await answered(self._services, self._services.parsing_service, error)
        failed = parse_call(self._services, self._job, self._run_id, error.code, self._began)
        async with self._services.database.service() as connection:
            await service_calls.record(connection, failed)


async def submit_once(
    services: Services,
    job: ClaimedJob,
    content: bytes,
    media_type: MediaType,
    reserved: ParsedFile,
    hold: ParseLease,
    asking: Asking,
) -> str:
    """Submit a file and write down its job's id; one that was submitted before is found again."""
    client = services.remote_parser
    assert client is not None
    # Equal bytes of two users are two files to the service: nobody's text comes from another's job.
    external = combined_sha256([str(job.user_id), job.file_sha256])
    who = (job.user_id, job.file_sha256, job.parser, services.worker)
    await hold.require()
    async with services.database.service() as connection:
        await parsed_files.note_submission(connection, *who, None)
    name = f"{job.document_id}{usual_suffix(media_type)}"
    begun = reserved.submitted

    async def submit() -> str:
        nonlocal begun
        # An earlier attempt may have been heard, though its answer was not.
        if begun and (found := await client.find(external)) is not None:
            return found
        begun = True
        return await client.submit(content, name, media_type.value, external, hold.require)

    remote = await asking(submit)
    async with services.database.service() as connection:
        await parsed_files.note_submission(connection, *who, remote)
    return remote


def parse_call(
    services: Services,
    job: ClaimedJob,
    run_id: UUID,
    outcome: str,
    started: float,
    *,
    inputs: int = 0,
    cost: Decimal = Decimal(0),
) -> ServiceCall:
    """An entry of the ledger of calls, about parsing one file."""
    return ServiceCall(
        services.parsing_service,
        "parse",
        outcome,
        time.perf_counter() - started,
        inputs=inputs,
        cost_usd=cost,
        user_id=job.user_id,
        run_id=run_id,
    )
