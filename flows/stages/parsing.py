"""Parse: bytes become stored text. Content in, references out; no job changes its state here.

That makes the result cacheable: the same bytes through the same parser give the same references.
What was parsed once is found again in `parsed_files`, whichever document or run asks.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from blocks.assembly import Services
from blocks.storage import ObjectMissing, checked, parsed_key
from flows.stages.remote_parsing import parse_remotely
from flows.stages.texts import stored_text
from pipeline import correlation
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.failpoints import failpoint
from pipeline.parsing.media import MediaType, sniff, unnamed
from pipeline.parsing.sandbox import is_small
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


@dataclass(frozen=True, slots=True)
class _Read:
    """A job's text, before it is stored.

    Attributes:
        fresh: it was parsed just now, and is to be stored by us.
        seconds: what it took.
    """

    job: ClaimedJob
    media_type: MediaType
    document: ParsedDocument
    fresh: bool
    seconds: float

    @property
    def key(self) -> str:
        """Where it belongs."""
        return parsed_key(self.job.user_id, self.job.file_sha256, self.job.parser)


async def parse_jobs(
    services: Services, jobs: Sequence[ClaimedJob], run_id: UUID
) -> list[ParseReference]:
    """Make sure that the text of every job is stored.

    Raises:
        TransientError: a service failed; what was parsed until then is kept.
    """
    async with services.database.service() as connection:
        known = await parsed_files.find(connection, [_content(job) for job in jobs])
    references: list[ParseReference] = []
    for group in _groups(jobs):
        results = await _read_group(services, group, known, run_id)
        read = [each for each in results if isinstance(each, _Read)]
        references += await _keep(services, read, known)
        references += [each for each in results if isinstance(each, ParseReference)]
        for result in results:
            if isinstance(result, BaseException):
                raise result
    failpoint("after-parse-stored")
    return references


def _content(job: ClaimedJob) -> tuple[UUID, str, str]:
    return job.user_id, job.file_sha256, job.parser


def _groups(jobs: Sequence[ClaimedJob]) -> Iterator[list[ClaimedJob]]:
    """Groups in which no content is twice: parsed once, it is found stored by the next group."""
    waiting = list(jobs)
    while waiting:
        group: dict[tuple[UUID, str, str], ClaimedJob] = {}
        for job in waiting:
            if len(group) == _GROUP:
                break
            group.setdefault(_content(job), job)
        yield list(group.values())
        taken = {job.job_id for job in group.values()}
        waiting = [job for job in waiting if job.job_id not in taken]


async def _read_group(
    services: Services,
    group: Sequence[ClaimedJob],
    known: Mapping[tuple[UUID, str, str], str],
    run_id: UUID,
) -> list[_Read | ParseReference | BaseException]:
    """Of each job its text, or why there is none, or the error that ends the batch's run."""
    contents = await services.storage.get_all([job.storage_key for job in group])
    pairs = list(zip(group, contents, strict=True))
    # Small texts all in one visit to a thread: one each would cost several times the parsing.
    small = await asyncio.to_thread(
        lambda: [
            _read_small(services, job, content) if _content(job) not in known else None
            for job, content in pairs
        ]
    )

    async def one(
        job: ClaimedJob, content: bytes | ObjectMissing, read: _Read | ParseReference | None
    ) -> _Read | ParseReference:
        if read is not None:
            return read
        with correlation.bound([job.correlation_id]):
            return await _read_one(services, job, content, known.get(_content(job)), run_id)

    return await asyncio.gather(
        *(one(*pair, read) for pair, read in zip(pairs, small, strict=True)),
        return_exceptions=True,
    )


def _read_small(
    services: Services, job: ClaimedJob, content: bytes | ObjectMissing
) -> _Read | ParseReference | None:
    """A small text, parsed in this thread; None for what must be parsed elsewhere."""
    started = time.perf_counter()
    media_type: MediaType | None = None
    try:
        data = checked(content, job.file_sha256)
        media_type = sniff(data, unnamed(job.source))
        if services.remote_parser is not None or not is_small(data, media_type):
            return None
        with _bugs_end_the_document():
            document = services.parser.parse_small(data, media_type)
        require_text(document)
    except ObjectMissing as error:
        return _failed(job, media_type, ParseError(ParseCode.MISSING, error.message))
    except ParseError as error:
        return _failed(job, media_type, error)
    return _Read(job, media_type, document, True, time.perf_counter() - started)


async def _read_one(
    services: Services,
    job: ClaimedJob,
    content: bytes | ObjectMissing,
    key: str | None,
    run_id: UUID,
) -> _Read | ParseReference:
    started = time.perf_counter()
    media_type: MediaType | None = None
    try:
        data = checked(content, job.file_sha256)
        media_type = sniff(data, unnamed(job.source))
        document = await stored_text(services, key) if key else None
        fresh = document is None
        if document is None:
            document = await _parse(services, job, data, media_type, run_id)
        require_text(document)
    except ObjectMissing as error:
        return _failed(job, media_type, ParseError(ParseCode.MISSING, error.message))
    except ParseError as error:
        return _failed(job, media_type, error)
    # The remote parser keeps what it paid for by itself, at once.
    fresh = fresh and services.remote_parser is None
    return _Read(job, media_type, document, fresh, time.perf_counter() - started)


async def _keep(
    services: Services,
    read: Sequence[_Read],
    known: dict[tuple[UUID, str, str], str],
) -> list[ParseReference]:
    """Store the texts that are new, record them, and refer to all."""

    def look() -> tuple[list[TextAssessment], list[tuple[str, bytes | Path]]]:
        return (
            [assess(each.document) for each in read],
            [(each.key, each.document.to_json()) for each in read if each.fresh],
        )

    assessments, texts = await asyncio.to_thread(look)
    await services.storage.put_all(texts)
    references = [_reference(*pair) for pair in zip(read, assessments, strict=True)]
    finished = [
        _finished(each.job, reference)
        for each, reference in zip(read, references, strict=True)
        if each.fresh
    ]
    async with services.database.service() as connection:
        unwanted = await finish_wanted(connection, finished)
    await services.storage.delete(unwanted)
    for each in read:
        services.texts.keep(each.key, each.document)
        known[_content(each.job)] = each.key
    return references


async def _parse(
    services: Services, job: ClaimedJob, content: bytes, media_type: MediaType, run_id: UUID
) -> ParsedDocument:
    if services.remote_parser is not None:
        return await parse_remotely(services, job, content, media_type, run_id)
    with _bugs_end_the_document():
        return await services.parser.parse(content, media_type)


@contextmanager
def _bugs_end_the_document() -> Iterator[None]:
    """A parser's own bug ends the document, never the batch."""
    try:
        yield
    except NavigatorError:
        raise
    except Exception as error:
        message = f"The parser stopped with an internal error ({type(error).__name__})."
        raise ParseError(ParseCode.CRASHED, message) from error


def _reference(read: _Read, assessment: TextAssessment) -> ParseReference:
    document = read.document
    return ParseReference(
        read.job.job_id,
        read.key,
        read.media_type.value,
        pages=len(document.pages) if document.paged else None,
        characters=len(document.text),
        replaced=document.replaced,
        seconds=read.seconds,
        assessment=assessment,
    )


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
