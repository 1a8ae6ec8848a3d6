"""Attaches the files inside an e-mail or archive as documents of their own.

Before a job is recorded as parsed, what is inside its file is registered: bytes first, then rows,
as for any upload, so a kill in between ends as if it had not been. Done again it finds itself done.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from clients.storage.objects import checked, raw_key
from pipeline.documents import Member, ParsedDocument
from pipeline.errors import FencedOut
from pipeline.identity import sha256_hex
from pipeline.job_notes import job_notes
from pipeline.notes import Note, NoteKind
from pipeline.parsing.containers.members import clean_name
from pipeline.parsing.kinds import MediaType
from pipeline.parsing.media import shown_name
from pipeline.quotas import StorageQuotaReached
from pipeline.store import attachments
from pipeline.store.attachments import Parent
from pipeline.store.claims import ClaimedJob
from pipeline.store.registration import Source
from stages.batch import Batch
from stages.intake import take_in
from stages.parsing import ParseReference
from stages.reading import parse_here
from stages.services import Services
from stages.text_storage import text_of

MAX_DEPTH = 3
"""A letter in an archive in a letter: what is inside of that stays closed."""
MAX_INSIDE = 1_000
"""Files inside one file, at all depths together."""

_STEP = re.compile(r"#\d{1,6}/")


def member_source(parent: str, number: int, name: str) -> str:
    """What a file inside is called as a document.

    Args:
        number: its place among the files inside, from 1.
    """
    return f"{parent}#{number}/{clean_name(name)}"


def depth_of(source: str) -> int:
    """How many files a document is inside of."""
    return len(_STEP.findall(source))


def root_of(source: str) -> str:
    """The source of the outermost file that a document is inside of, or its own."""
    return _STEP.split(source, maxsplit=1)[0]


async def with_files_inside(
    services: Services,
    batch: Batch,
    jobs: Sequence[ClaimedJob],
    found: Mapping[UUID, ParseReference],
) -> dict[UUID, ParseReference]:
    """Register what is inside the files of the jobs.

    Returns:
        The references, with notes on what was left closed; those of jobs that are not ours any
        more are left out.
    """
    left = dict(found)
    for job in jobs:
        reference = found.get(job.job_id)
        if reference is None or not reference.files_inside:
            continue
        try:
            notes = await _attach(services, batch, job, reference)
        except FencedOut:
            del left[job.job_id]
            continue
        more = tuple(job_notes(notes, job.parser))
        left[job.job_id] = replace(reference, notes=(*reference.notes, *more))
    return left


async def _attach(
    services: Services, batch: Batch, job: ClaimedJob, reference: ParseReference
) -> list[Note]:
    assert reference.key is not None and reference.media_type is not None
    document = await text_of(services, reference.key)
    if document is None or not document.members:
        return []
    if depth_of(job.source) >= MAX_DEPTH:
        return [_left_closed(len(document.members), "it is inside of too many others")]
    sources = member_sources(job, document.members)
    room = await _room(services, job, sources)
    parent = Parent(job.document_id, job.job_id, job.attempt, job.correlation_id, job.source)

    async def store(wanted: Sequence[Source]) -> list[bool]:
        contents = await _contents(services, job, reference)
        known = [(each, contents.get(each.file_sha256)) for each in wanted]
        await services.storage.put_all(
            [(each.storage_key, data) for each, data in known if data is not None]
        )
        return [data is not None for _, data in known]

    taken = await take_in(
        services, sources[:room], store, job.user_id, batch.run_id, (), parent=parent
    )
    notes = []
    if over := len(sources) - room:
        notes.append(_left_closed(over, f"more than {MAX_INSIDE:,} are inside"))
    if taken.full is not None:
        unfit = sum(each.code == StorageQuotaReached.code for each in taken.rejected)
        notes.append(_left_closed(unfit, "they do not fit into the storage quota"))
    return notes


def member_sources(job: ClaimedJob, members: Sequence[Member]) -> list[Source]:
    """The files inside a job's file, as documents."""
    return [
        as_source(job.user_id, job.source, number, member, job.document_id)
        for number, member in enumerate(members, 1)
    ]


def as_source(
    user: UUID, parent: str, number: int, member: Member, parent_id: UUID | None = None
) -> Source:
    """A file inside a document of the user, as a document of its own.

    Args:
        parent: the source of what it is inside of.
        number: its place there, from 1.
        parent_id: the document that it is inside of; None where there is none yet.
    """
    return Source(
        source=member_source(parent, number, member.name),
        name=shown_name(clean_name(member.name)),
        file_sha256=member.sha256,
        file_bytes=member.size,
        storage_key=raw_key(user, member.sha256),
        parent_id=parent_id,
    )


def _left_closed(count: int, why: str) -> Note:
    words = "1 file inside was" if count == 1 else f"{count:,} files inside were"
    return Note(NoteKind.PART_NOT_READ, f"{words} not read: {why}.")


async def _room(services: Services, job: ClaimedJob, sources: Sequence[Source]) -> int:
    """How many of the files may become documents."""
    async with services.database.service() as connection:
        others = await attachments.count_inside(
            connection, job.user_id, root_of(job.source), [each.source for each in sources]
        )
    return max(0, min(len(sources), MAX_INSIDE - others))


async def _contents(
    services: Services, job: ClaimedJob, reference: ParseReference
) -> dict[str, bytes]:
    """The files inside by their hashes: remembered, or unpacked again."""
    assert reference.key is not None and reference.media_type is not None
    remembered = services.contents.take(reference.key)
    if remembered is None:
        [stored] = await services.storage.get_all([job.storage_key])
        data = checked(stored, job.file_sha256)
        parsed = await parse_here(services, job, data, MediaType(reference.media_type))
        remembered = [each.content for each in parsed.attachments]
    return {sha256_hex(each): each for each in remembered}


async def outlived(services: Services, jobs: Sequence[UUID]) -> dict[UUID, list[UUID]]:
    """Documents that an earlier version had inside and this one has not, by the job."""
    async with services.database.service() as connection:
        inside = await attachments.inside(connection, jobs)
    gone: dict[UUID, list[UUID]] = {}
    texts: dict[str, ParsedDocument | None] = {}
    for each in inside:
        key = each.parsed_key
        if key is None:
            continue
        if key not in texts:
            texts[key] = await text_of(services, key)
        text = texts[key]
        if text is not None and not _is_among(text.members, each.source):
            gone.setdefault(each.job_id, []).append(each.document_id)
    return gone


def _is_among(members: Sequence[Member], source: str) -> bool:
    parent = source[: [*_STEP.finditer(source)][-1].start()]
    names = (member_source(parent, number, each.name) for number, each in enumerate(members, 1))
    return source in names
