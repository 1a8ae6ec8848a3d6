"""Documents whose pages are known down to where each word stands."""

from __future__ import annotations

from dataclasses import replace

import sqlalchemy as sa

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.layout import Box, Region, RegionKind
from pipeline.notes import Note
from pipeline.store.schema import SCHEMA
from tests.app.api.serving import RunningApi

LINE = Box(72, 80, 400, 95)


def describe(
    api: RunningApi, job: str, pages: dict[int, ParsedPage], notes: tuple[Note, ...] = ()
) -> ParsedDocument:
    """Put more into a job's stored text: what a page has beside its words, and notes."""
    key = _parsed_key(api, job)
    stored = ParsedDocument.from_json(api.run(api.parts.storage.get(key)))
    described = tuple(pages.get(page.number, page) for page in stored.pages)
    document = replace(stored, pages=described, notes=notes)
    api.run(api.parts.storage.put(key, document.to_json()))
    api.parts.services.texts.drop(key)
    return document


def stored_document(api: RunningApi, job: str) -> ParsedDocument:
    """What is stored of a job's text."""
    return ParsedDocument.from_json(api.run(api.parts.storage.get(_parsed_key(api, job))))


def lose_text(api: RunningApi, job: str) -> None:
    """Take a job's stored text away."""
    key = _parsed_key(api, job)
    api.run(api.parts.storage.delete([key]))
    api.parts.services.texts.drop(key)


def region_of(page: ParsedPage, words: str, box: Box, kind: RegionKind) -> Region:
    """The region of some words of a page."""
    start = page.text.index(words)
    return Region(kind, start, start + len(words), box)


def _parsed_key(api: RunningApi, job: str) -> str:
    query = sa.text(f"SELECT parsed_key FROM {SCHEMA}.upload_jobs WHERE id = :job")

    async def read() -> str:
        async with api.parts.database.service() as connection:
            return str(await connection.scalar(query, {"job": job}))

    return api.run(read())
