"""Parse: bytes become stored text. Content in, references out; no job changes its state here.

That makes the result cacheable: the same bytes through the same parser give the same references.
What was parsed once is found again in `parsed_files`, whichever document or run asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from uuid import UUID

from blocks.assembly import Services
from blocks.storage import ObjectMissing, parsed_key
from flows.stages.remote_parsing import parse_remotely
from flows.stages.texts import stored_text
from pipeline import correlation
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.failpoints import failpoint
from pipeline.parsing.media import MediaType, sniff, unnamed
from pipeline.parsing.validation import TextAssessment, assess, require_text
from pipeline.store import parsed_files
from pipeline.store.claims import ClaimedJob
from pipeline.store.parsed_files import FinishedParse
from pipeline.store.unwanted import finish_wanted

# Finished parses are recorded in groups of this many, so that a kill loses little.
_GROUP = 64


@dataclass(frozen=True, slots=True)
class ParseReference:
    """Where a job's text is, or why there is none. Small values only: this is a task's result.

    Attributes:
        pages: None for a format without pages.
        assessment: what the gate judges; None when there is no text.
        failure: (code, message) of a `ParseCode` when the file cannot be parsed.
    """

    job_id: UUID
    key: str | None
    media_type: str | None
    pages: int | None = 0
    characters: int = 0
    replaced: int = 0
    seconds: float = 0.0
    assessment: TextAssessment | None = None
    failure: tuple[str, str] | None = None

    @property
    def error(self) -> ParseError | None:
        """The failure as an error, with its remedy."""
        return ParseError(ParseCode(self.failure[0]), self.failure[1]) if self.failure else None


async def parse_jobs(
    services: Services, jobs: Sequence[ClaimedJob], run_id: UUID
) -> list[ParseReference]:
    """Make sure that the text of every job is stored.

    Raises:
        TransientError: a service failed; what was parsed until then is kept.
    """
    wanted = [(job.user_id, job.file_sha256, job.parser) for job in jobs]
    async with services.database.service() as connection:
        known = await parsed_files.find(connection, wanted)
    references: list[ParseReference] = []
    slots = asyncio.Semaphore(_GROUP)
    once = {job: asyncio.Lock() for job in set(wanted)}

    async def one(job: ClaimedJob) -> tuple[ParseReference, FinishedParse | None]:
        content = (job.user_id, job.file_sha256, job.parser)
        # The same bytes twice in a batch are parsed once; the second finds them stored.
        async with once[content], slots:
            with correlation.bound([job.correlation_id]):
                return await _parse_one(services, job, known.get(content), run_id)

    for start in range(0, len(jobs), _GROUP):
        group = jobs[start : start + _GROUP]
        results = await asyncio.gather(*(one(job) for job in group), return_exceptions=True)
        done = [result for result in results if not isinstance(result, BaseException)]
        async with services.database.service() as connection:
            unwanted = await finish_wanted(connection, [parse for _, parse in done if parse])
        await services.storage.delete(unwanted)
        for _, parse in done:
            if parse:
                known[(parse.user_id, parse.sha256, parse.parser)] = parse.storage_key
        references.extend(reference for reference, _ in done)
        for result in results:
            if isinstance(result, BaseException):
                raise result
    failpoint("after-parse-stored")
    return references


async def _parse_one(
    services: Services, job: ClaimedJob, key: str | None, run_id: UUID
) -> tuple[ParseReference, FinishedParse | None]:
    started = time.perf_counter()
    media_type: MediaType | None = None
    try:
        content = await services.storage.get_checked(job.storage_key, job.file_sha256)
        media_type = sniff(content, unnamed(job.source))
        document = await stored_text(services, key) if key else None
        fresh = document is None
        if document is None:
            document = await _parse(services, job, content, media_type, run_id)
        require_text(document)
    except ObjectMissing as error:
        return _failed(job, media_type, ParseError(ParseCode.MISSING, error.message)), None
    except ParseError as error:
        return _failed(job, media_type, error), None
    target = parsed_key(job.user_id, job.file_sha256, job.parser)
    # The remote parser keeps what it paid for by itself, at once.
    fresh = fresh and services.remote_parser is None
    if fresh:
        await services.storage.put(target, document.to_json())
    services.texts.keep(target, document)
    reference = ParseReference(
        job.job_id,
        target,
        media_type.value,
        pages=len(document.pages) if document.paged else None,
        characters=len(document.text),
        replaced=document.replaced,
        seconds=time.perf_counter() - started,
        assessment=await asyncio.to_thread(assess, document),
    )
    return reference, _finished(job, reference) if fresh else None


async def _parse(
    services: Services, job: ClaimedJob, content: bytes, media_type: MediaType, run_id: UUID
) -> ParsedDocument:
    if services.remote_parser is not None:
        return await parse_remotely(services, job, content, media_type, run_id)
    try:
        return await services.parser.parse(content, media_type)
    except NavigatorError:
        raise
    except Exception as error:  # a parser's own bug ends the document, never the batch
        message = f"The parser stopped with an internal error ({type(error).__name__})."
        raise ParseError(ParseCode.CRASHED, message) from error


def _failed(job: ClaimedJob, media_type: MediaType | None, error: ParseError) -> ParseReference:
    kind = media_type.value if media_type else None
    return ParseReference(job.job_id, None, kind, failure=(error.parse_code.value, error.message))


def _finished(job: ClaimedJob, reference: ParseReference) -> FinishedParse:
    assert reference.key is not None
    return FinishedParse(
        job.user_id,
        job.file_sha256,
        job.parser,
        reference.key,
        reference.pages,
        reference.characters,
        Decimal(0),
    )
