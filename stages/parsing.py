"""Parses bytes into stored text; takes content, returns references, and moves no job.

That makes the result cacheable: the same bytes through the same parser give the same references.
What was parsed once is found again in `parsed_files`, whichever document or run asks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from pipeline.compute_child import compute_beside
from pipeline.documents import ParsedDocument
from pipeline.editions import edition_facts
from pipeline.errors import FencedOut, ParseCode, ParseError, ServiceUnavailable, TransientError
from pipeline.failpoints import failpoint
from pipeline.job_notes import JobNote, job_notes
from pipeline.parsing.assessment.gaps import with_gaps_noted
from pipeline.parsing.assessment.validation import TextAssessment, assess
from pipeline.store import parsed_files
from pipeline.store.claims import ClaimedJob
from pipeline.store.orphaned_texts import finish_wanted
from pipeline.store.parsed_files import FinishedParse
from stages.correcting import with_corrections
from stages.garbage_collection import remove_orphaned_objects
from stages.reading import Read, Unreadable, content_of, read_group
from stages.service_waits import DocumentsWait
from stages.services import Services

# Finished parses are recorded in groups of this many, so that a kill loses little.
_GROUP = 64


@dataclass(frozen=True, slots=True)
class ParseReference:
    """Where a job's text is, or why there is none. Small values only: this is a task's result.

    Attributes:
        pages: None for a format without pages.
        assessment: what the gate judges; None when there is no text.
        notes: as they are kept with the job. language: ISO 639-1, empty when unknown.
        has_facts: the text holds facts of the file; these are its words, so they are not in here.
        files_inside: how many files in it are to become documents of their own.
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
    notes: tuple[JobNote, ...] = ()
    language: str = ""
    has_facts: bool = False
    files_inside: int = 0

    @property
    def error(self) -> ParseError | None:
        """The failure as an error, with its remedy."""
        return ParseError(ParseCode(self.failure[0]), self.failure[1]) if self.failure else None


async def parse_jobs(
    services: Services, jobs: Sequence[ClaimedJob], run_id: UUID
) -> list[ParseReference]:
    """Make sure that the text of every job is stored.

    Jobs that another worker has taken over meanwhile are left out.

    Raises:
        DocumentsWait: the parsing service gave no answer for some; the others' texts are stored.
        TransientError: the storage or the database failed; what was parsed until then is kept.
    """
    async with services.database.service() as connection:
        known = await parsed_files.find(connection, [content_of(job) for job in jobs])
    references: list[ParseReference] = []
    waiting: dict[UUID, TransientError] = {}
    for group in _groups(jobs):
        results = await read_group(services, group, known, run_id)
        read = [each for each in results if isinstance(each, Read)]
        references += await _keep(services, read, known)
        references += [_refused(each) for each in results if isinstance(each, Unreadable)]
        for job, result in zip(group, results, strict=True):
            if isinstance(result, ServiceUnavailable):
                waiting[job.job_id] = result
            elif isinstance(result, BaseException) and not isinstance(result, FencedOut):
                raise result
    failpoint("after-parse-stored")
    if waiting:
        raise DocumentsWait(waiting, services.parsing_service)
    return references


def _groups(jobs: Sequence[ClaimedJob]) -> Iterator[list[ClaimedJob]]:
    """Groups in which no content is twice: parsed once, it is found stored by the next group."""
    waiting = list(jobs)
    while waiting:
        group: dict[tuple[UUID, str, str], ClaimedJob] = {}
        left = []
        for job in waiting:
            if len(group) < _GROUP and content_of(job) not in group:
                group[content_of(job)] = job
            else:
                left.append(job)
        yield list(group.values())
        waiting = left


async def _keep(
    services: Services,
    read: Sequence[Read],
    known: dict[tuple[UUID, str, str], str],
) -> list[ParseReference]:
    """Store the texts that are new, record them, and refer to all."""
    if not read:
        return []
    corrected = await with_corrections(services, read)
    # what the parser made is kept beside what a person put right in it
    parsed = [one for one, other in zip(read, corrected, strict=True) if one is not other]
    everything = [*parsed, *corrected]
    looked = await compute_beside(
        services.compute_lock, look, [(each.document, each.fresh) for each in everything]
    )
    texts: list[tuple[str, bytes | Path]] = [
        (each.key, found.stored)
        for each, found in zip(everything, looked, strict=True)
        if found.stored is not None
    ]
    await services.storage.put_all(texts)
    references = [_reference(*pair) for pair in zip(corrected, looked[len(parsed) :], strict=True)]
    async with services.database.service() as connection:
        all_wanted = await finish_wanted(
            connection, [_finished(each) for each in everything if each.fresh]
        )
    if not all_wanted:
        await remove_orphaned_objects(services.database, services.storage)
    for each in everything:
        services.texts.keep(each.key, each.document)
    for each in read:
        known[content_of(each.job)] = each.key
    return references


class Looked(NamedTuple):
    """What is found of a text that was read: its form for the storage only where that is new."""

    assessment: TextAssessment
    has_facts: bool
    stored: bytes | None


def look(documents: Sequence[tuple[ParsedDocument, bool]]) -> list[Looked]:
    """Measure texts, each with whether it is new."""
    return [
        Looked(
            assess(document),
            bool(document.facts or edition_facts(document)),
            document.to_json() if fresh else None,
        )
        for document, fresh in documents
    ]


def _reference(read: Read, looked: Looked) -> ParseReference:
    document, assessment = read.document, looked.assessment
    return ParseReference(
        read.job.job_id,
        read.key,
        read.media_type.value,
        pages=_pages(document),
        characters=len(document.text),
        replaced=document.replaced,
        seconds=read.seconds,
        assessment=assessment,
        notes=tuple(job_notes(with_gaps_noted(document), read.job.parser)),
        language=assessment.language,
        has_facts=looked.has_facts,
        files_inside=len(document.members),
    )


def _pages(document: ParsedDocument) -> int | None:
    return len(document.pages) if document.paged else None


def _finished(read: Read) -> FinishedParse:
    return FinishedParse(
        read.job.user_id,
        read.job.file_sha256,
        read.parser,
        read.key,
        _pages(read.document),
        len(read.document.text),
        Decimal(0),
    )


def _refused(unreadable: Unreadable) -> ParseReference:
    kind = unreadable.media_type.value if unreadable.media_type else None
    error = unreadable.error
    failure = (error.parse_code.value, error.message)
    return ParseReference(unreadable.job.job_id, None, kind, failure=failure)
