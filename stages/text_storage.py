"""Stores the texts of jobs and reads them back, a few at a time, so that memory stays flat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from clients.storage.object_storage import Storage
from clients.storage.objects import ObjectMissing, parsed_key
from pipeline.documents import ParsedDocument
from pipeline.editions import edition_facts
from pipeline.job_notes import known_facts
from pipeline.store.claims import ClaimedJob
from pipeline.store.parsed_files import FinishedParse
from stages.services import Services
from stages.text_cache import TextCache

_AT_ONCE = 16


async def parsed_texts(
    services: Services, jobs: Sequence[ClaimedJob]
) -> AsyncIterator[tuple[ClaimedJob, ParsedDocument | ObjectMissing]]:
    """Each job with its parsed document, or with the error that its object is missing."""
    for start in range(0, len(jobs), _AT_ONCE):
        group = jobs[start : start + _AT_ONCE]
        found: dict[str | None, ParsedDocument | ObjectMissing] = {
            None: ObjectMissing("The parsed text was never stored.")
        }
        unread = []
        for key in {job.parsed_key for job in group if job.parsed_key is not None}:
            if (remembered := services.texts.find(key)) is not None:
                found[key] = remembered
            else:
                unread.append(key)
        stored = await services.storage.get_all(unread) if unread else []
        for key, content in zip(unread, stored, strict=True):
            found[key] = _document(content)
            if isinstance(document := found[key], ParsedDocument):
                services.texts.keep(key, document)
        for job in group:
            yield job, found[job.parsed_key]


def _document(content: bytes | ObjectMissing) -> ParsedDocument | ObjectMissing:
    if isinstance(content, ObjectMissing):
        return content
    try:
        return ParsedDocument.from_json(content)
    except (ValueError, KeyError, TypeError):
        return ObjectMissing("The parsed text is damaged.", code="object_damaged")


async def stored_text(services: Services, key: str) -> ParsedDocument | None:
    """The stored text; None when the object is gone or damaged, so that it is made again."""
    document = _document(*await services.storage.get_all([key]))
    return document if isinstance(document, ParsedDocument) else None


async def text_to_show(storage: Storage, texts: TextCache, key: str) -> ParsedDocument:
    """The stored text, for a person who reads one page after the other.

    Raises:
        ObjectMissing: it is gone or damaged.
    """
    if (remembered := texts.find(key)) is not None:
        return remembered
    # The text of a thick book takes its time to be taken apart: others are answered meanwhile.
    document = await asyncio.to_thread(_document, await storage.get(key))
    if isinstance(document, ObjectMissing):
        raise document
    texts.keep(key, document)
    return document


async def text_of(services: Services, key: str) -> ParsedDocument | None:
    """The text that is stored under a key, remembered or read; None when it is lost."""
    return services.texts.find(key) or await stored_text(services, key)


async def facts_of(
    services: Services, keys: Sequence[str | None]
) -> dict[str | None, dict[str, str]]:
    """What these stored texts say of their files and editions, as it is kept with their jobs."""
    found: dict[str | None, dict[str, str]] = {}
    for key in {each for each in keys if each is not None}:
        document = await text_of(services, key)
        if document is not None:
            found[key] = known_facts({**edition_facts(document), **document.facts})
    return found


async def put_text(
    services: Services, job: ClaimedJob, document: ParsedDocument, units: Decimal = Decimal(0)
) -> FinishedParse:
    """Store a text; what is to be recorded of it then.

    Args:
        units: what a service took for it, in its own unit; more than 0 says that it is paid.
    """
    key = parsed_key(job.user_id, job.file_sha256, job.parser)
    await services.storage.put(key, document.to_json())
    pages, characters = len(document.pages), len(document.text)
    return FinishedParse(job.user_id, job.file_sha256, job.parser, key, pages, characters, units)
