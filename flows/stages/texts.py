"""Storing the texts of jobs, and reading them back, a few at a time, so that memory stays flat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal

from blocks.assembly import Services
from blocks.objects import ObjectMissing, parsed_key
from pipeline.documents import ParsedDocument
from pipeline.store.claims import ClaimedJob
from pipeline.store.parsed_files import FinishedParse

_AT_ONCE = 16


async def parsed_texts(
    services: Services, jobs: Sequence[ClaimedJob]
) -> AsyncIterator[tuple[ClaimedJob, ParsedDocument | ObjectMissing]]:
    """Each job with its parsed document, or with the error that its object is missing."""

    async def one(job: ClaimedJob) -> ParsedDocument | ObjectMissing:
        if job.parsed_key is None:
            return ObjectMissing("The parsed text was never stored.")
        if (remembered := services.texts.find(job.parsed_key)) is not None:
            return remembered
        try:
            document = ParsedDocument.from_json(await services.storage.get(job.parsed_key))
        except ObjectMissing as error:
            return error
        except (ValueError, KeyError, TypeError):
            return ObjectMissing("The parsed text is damaged.", code="object_damaged")
        services.texts.keep(job.parsed_key, document)
        return document

    for start in range(0, len(jobs), _AT_ONCE):
        group = jobs[start : start + _AT_ONCE]
        for job, document in zip(
            group, await asyncio.gather(*(one(job) for job in group)), strict=True
        ):
            yield job, document


async def stored_text(services: Services, key: str) -> ParsedDocument | None:
    """The stored text; None when the object is gone or damaged, so that it is made again."""
    try:
        return ParsedDocument.from_json(await services.storage.get(key))
    except (ObjectMissing, ValueError, KeyError, TypeError):
        return None


async def put_text(
    services: Services, job: ClaimedJob, document: ParsedDocument, credits: Decimal = Decimal(0)
) -> FinishedParse:
    """Store a text; what is to be recorded of it then.

    Args:
        credits: what a remote parser took for it.
    """
    key = parsed_key(job.user_id, job.file_sha256, job.parser)
    await services.storage.put(key, document.to_json())
    pages, characters = len(document.pages), len(document.text)
    return FinishedParse(job.user_id, job.file_sha256, job.parser, key, pages, characters, credits)
