"""Reading: the bytes of jobs become parsed documents, which nobody has stored yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from blocks.assembly import Services
from blocks.objects import ObjectMissing, checked, parsed_key
from flows.stages.remote_parsing import parse_remotely
from flows.stages.texts import stored_text
from pipeline import correlation
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.media import MediaType, sniff, unnamed
from pipeline.parsing.sandbox import is_small
from pipeline.parsing.validation import require_text
from pipeline.store.claims import ClaimedJob


@dataclass(frozen=True, slots=True)
class Read:
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


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A job whose file cannot be turned into text, and why; its kind when that could be told."""

    job: ClaimedJob
    media_type: MediaType | None
    error: ParseError


def content_of(job: ClaimedJob) -> tuple[UUID, str, str]:
    """What is parsed once: the same bytes of one user, by one parser."""
    return job.user_id, job.file_sha256, job.parser


async def read_group(
    services: Services,
    group: Sequence[ClaimedJob],
    known: Mapping[tuple[UUID, str, str], str],
    run_id: UUID,
) -> list[Read | Unreadable | BaseException]:
    """Of each job its text, or why there is none, or the error that ends the batch's run."""
    contents = await services.storage.get_all([job.storage_key for job in group])
    pairs = list(zip(group, contents, strict=True))
    # Small texts all in one visit to a thread: one each would cost several times the parsing.
    small = await asyncio.to_thread(
        lambda: [
            _read_small(services, job, content) if content_of(job) not in known else None
            for job, content in pairs
        ]
    )

    async def one(
        job: ClaimedJob, content: bytes | ObjectMissing, read: Read | Unreadable | None
    ) -> Read | Unreadable:
        if read is not None:
            return read
        with correlation.bound([job.correlation_id]):
            return await _read_one(services, job, content, known.get(content_of(job)), run_id)

    return await asyncio.gather(
        *(one(*pair, read) for pair, read in zip(pairs, small, strict=True)),
        return_exceptions=True,
    )


def _read_small(
    services: Services, job: ClaimedJob, content: bytes | ObjectMissing
) -> Read | Unreadable | None:
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
        return Unreadable(job, media_type, ParseError(ParseCode.MISSING, error.message))
    except ParseError as error:
        return Unreadable(job, media_type, error)
    return Read(job, media_type, document, True, time.perf_counter() - started)


async def _read_one(
    services: Services,
    job: ClaimedJob,
    content: bytes | ObjectMissing,
    key: str | None,
    run_id: UUID,
) -> Read | Unreadable:
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
        return Unreadable(job, media_type, ParseError(ParseCode.MISSING, error.message))
    except ParseError as error:
        return Unreadable(job, media_type, error)
    # The remote parser keeps what it paid for by itself, at once.
    fresh = fresh and services.remote_parser is None
    return Read(job, media_type, document, fresh, time.perf_counter() - started)


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
