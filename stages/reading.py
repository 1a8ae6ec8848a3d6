"""Reads the bytes of jobs into parsed documents, which are not stored yet."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import UUID

from clients.parser_pool.sandbox import is_small
from clients.storage.objects import ObjectMissing, checked, parsed_key
from pipeline import correlation
from pipeline.documents import ParsedDocument
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.parsing.assessment.validation import require_text
from pipeline.parsing.kinds import MediaType, promised
from pipeline.parsing.media import is_container, sniff, unnamed
from pipeline.store.claims import ClaimedJob
from stages.remote_parsing import parse_remotely
from stages.services import Services
from stages.text_storage import stored_text


@dataclass(frozen=True, slots=True)
class Read:
    """A job's text, before it is stored.

    Attributes:
        fresh: it was parsed just now, and is to be stored by us.
        seconds: what it took.
        variant: what tells it from the parser's own text; empty for that.
    """

    job: ClaimedJob
    media_type: MediaType
    document: ParsedDocument
    fresh: bool
    seconds: float
    variant: str = ""

    @property
    def parser(self) -> str:
        """What made it: the parser, and, when it was corrected, by which corrections."""
        return self.job.parser + self.variant

    @property
    def key(self) -> str:
        """Where it belongs."""
        return parsed_key(self.job.user_id, self.job.file_sha256, self.parser)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A job whose file cannot be turned into text, and why; its kind when that could be told."""

    job: ClaimedJob
    media_type: MediaType | None
    error: ParseError


def content_of(job: ClaimedJob) -> tuple[UUID, str, str]:
    """What is parsed once: the same bytes of one user, by one parser."""
    return job.user_id, job.file_sha256, job.parser


@dataclass(frozen=True, slots=True)
class _Opened:
    """A job's bytes, which are those that were stored, and their kind."""

    job: ClaimedJob
    media_type: MediaType
    data: bytes


@dataclass(frozen=True, slots=True)
class _Closed:
    """A job's bytes, which have to be opened to tell their kind: in the parser's process."""

    job: ClaimedJob
    data: bytes


async def read_group(
    services: Services,
    group: Sequence[ClaimedJob],
    known: Mapping[tuple[UUID, str, str], str],
    run_id: UUID,
) -> list[Read | Unreadable | BaseException]:
    """Of each job its text, or why there is none, or the error that ends the batch's run."""
    contents = await services.storage.get_all([job.storage_key for job in group])

    remote = services.remote_parser is not None

    def begin(
        job: ClaimedJob, content: bytes | ObjectMissing
    ) -> _Opened | _Closed | Read | Unreadable:
        opened = _open(job, content, remote=remote)
        parsed_here = not remote and content_of(job) not in known
        if parsed_here and isinstance(opened, _Opened) and is_small(opened.data, opened.media_type):
            return _read_small(services, opened)
        return opened

    # All in one visit to a thread: one for each small text would cost several times its parsing.
    begun = await services.compute_lock.compute(
        lambda: [begin(*pair) for pair in zip(group, contents, strict=True)]
    )

    async def end(each: _Opened | _Closed | Read | Unreadable) -> Read | Unreadable:
        if isinstance(each, _Closed):
            each = await _told(services, each, remote=remote)
        if not isinstance(each, _Opened):
            return each
        with correlation.bound([each.job.correlation_id]):
            return await _read_one(services, each, known.get(content_of(each.job)), run_id)

    return await asyncio.gather(*(end(each) for each in begun), return_exceptions=True)


def prepare_parser(services: Services, sources: Iterable[str]) -> None:
    """Start a process that parses, where the names of new files promise that one will be needed.

    It imports for half a second, in which a run is announced and its batch is claimed.
    """
    if services.settings.work_pool is None and any(
        kind not in (None, MediaType.MARKDOWN) and not services.reads_remotely(kind)
        for kind in map(promised, sources)
    ):
        services.parser.prepare()


def _open(
    job: ClaimedJob, content: bytes | ObjectMissing, *, remote: bool
) -> _Opened | _Closed | Unreadable:
    try:
        data = checked(content, job.file_sha256)
        if is_container(data):
            return _Closed(job, data)
        return _Opened(job, sniff(data, unnamed(job.source), remote=remote), data)
    except (ObjectMissing, ParseError) as error:
        return _unreadable(job, None, error)


async def _told(services: Services, closed: _Closed, *, remote: bool) -> _Opened | Unreadable:
    job = closed.job
    try:
        kind = await services.parser.sniff(closed.data, unnamed(job.source), remote=remote)
    except ParseError as error:
        return _unreadable(job, None, error)
    return _Opened(job, kind, closed.data)


def _read_small(services: Services, opened: _Opened) -> Read | Unreadable:
    """A small text, parsed in this thread."""
    started = time.perf_counter()
    try:
        with bugs_end_the_document():
            document = services.parser.parse_small(opened.data, opened.media_type)
        require_text(document)
    except ParseError as error:
        return _unreadable(opened.job, opened.media_type, error)
    return Read(opened.job, opened.media_type, document, True, time.perf_counter() - started)


async def _read_one(
    services: Services, opened: _Opened, key: str | None, run_id: UUID
) -> Read | Unreadable:
    started = time.perf_counter()
    job, media_type = opened.job, opened.media_type
    try:
        document = await stored_text(services, key) if key else None
        fresh = document is None
        if document is None:
            document = await _parse(services, job, opened.data, media_type, run_id)
            document = take_out(services, job, document)
        require_text(document)
    except (ObjectMissing, ParseError) as error:
        return _unreadable(job, media_type, error)
    # The remote parser keeps what it paid for by itself, at once.
    fresh = fresh and not services.reads_remotely(media_type)
    return Read(job, media_type, document, fresh, time.perf_counter() - started)


def _unreadable(
    job: ClaimedJob, media_type: MediaType | None, error: ObjectMissing | ParseError
) -> Unreadable:
    if isinstance(error, ObjectMissing):
        error = ParseError(ParseCode.MISSING, error.message)
    return Unreadable(job, media_type, error)


async def _parse(
    services: Services, job: ClaimedJob, content: bytes, media_type: MediaType, run_id: UUID
) -> ParsedDocument:
    if services.reads_remotely(media_type):
        return await parse_remotely(services, job, content, media_type, run_id)
    return await parse_here(services, job, content, media_type)


async def parse_here(
    services: Services, job: ClaimedJob, content: bytes, media_type: MediaType
) -> ParsedDocument:
    """The text of a file, with the files inside it, as this machine reads it.

    Raises:
        ParseError: it cannot be read.
    """
    passwords = services.settings.passwords_for(job.source)
    with bugs_end_the_document():
        return await services.parser.parse(content, media_type, passwords)


def take_out(services: Services, job: ClaimedJob, document: ParsedDocument) -> ParsedDocument:
    """The document without the contents of the files inside, which are remembered for a while."""
    if not document.attachments:
        return document
    contents = [each.content for each in document.attachments]
    services.contents.keep(parsed_key(job.user_id, job.file_sha256, job.parser), contents)
    return document.without_contents()


@contextmanager
def bugs_end_the_document() -> Iterator[None]:
    """A parser's own bug ends the document, never the batch."""
    try:
        yield
    except NavigatorError:
        raise
    except Exception as error:
        message = f"The parser stopped with an internal error ({type(error).__name__})."
        raise ParseError(ParseCode.CRASHED, message) from error
