"""Writes the words of chunks: of those that are published now, and anew of those of an older rule.

The words are made by `pipeline.words`. A program before it writes chunks of rule 0, whose words
Postgres made; until they are made anew a question is asked in both rules' words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.compute_child import compute_beside
from pipeline.concurrency import PriorityLock
from pipeline.store.bulk_copy import copy_rows
from pipeline.store.chunk_buffer import TEXT_OF_PUBLISHING
from pipeline.store.engine import Database, rows
from pipeline.store.lock_order import lock_documents
from pipeline.words import RULE, chunk_words

_AT_ONCE = 2_000
_FIRST = UUID(int=0)
_COLUMNS = (("chunk_id", "uuid"), ("words", "text"))
WORDS = "made_words"
"""A temporary table: `chunk_id`, and `words` as the text of a `tsvector`."""

# Paged, because a batch may hold any number of chunks.
_NEW = sa.text(
    f"""
    SELECT p.chunk_id, b.heading_path, b.context, b.text, j.language
    FROM publishing AS p JOIN upload_jobs AS j ON j.id = p.job_id {TEXT_OF_PUBLISHING}
    WHERE NOT p.known AND p.chunk_id > :after ORDER BY p.chunk_id LIMIT :most
    """
)
_LANGUAGES = sa.text(
    """
    INSERT INTO word_languages (user_id, language)
    SELECT DISTINCT j.user_id, j.language FROM upload_jobs AS j
    WHERE j.id = ANY(CAST(:jobs AS uuid[]))
      AND NOT EXISTS (SELECT FROM word_languages AS known
                      WHERE known.user_id = j.user_id AND known.language = j.language)
    ORDER BY j.user_id, j.language ON CONFLICT DO NOTHING
    """
)


async def make_words(connection: AsyncConnection) -> None:
    """Fill `WORDS` with the words of the chunks in `publishing` that are not there yet."""
    await copy_rows(connection, WORDS, _COLUMNS, ())
    after = _FIRST
    while page := await rows(connection, _NEW, {"after": after, "most": _AT_ONCE}):
        await _fill(connection, page)
        after = page[-1]["chunk_id"]


async def keep_languages(connection: AsyncConnection, jobs: Sequence[UUID]) -> None:
    """Note the languages of published jobs, so that questions are asked in them."""
    await connection.execute(_LANGUAGES, {"jobs": list(jobs)})


async def _fill(connection: AsyncConnection, page: Sequence[Mapping[Any, Any]]) -> None:
    texts = [(row["heading_path"], row["context"], row["text"], row["language"]) for row in page]
    words = await compute_beside(PriorityLock(), words_of_all, texts)
    made = [(row["chunk_id"], each) for row, each in zip(page, words, strict=True)]
    await copy_rows(connection, WORDS, _COLUMNS, made)


def words_of_all(texts: Sequence[tuple[Sequence[str], str, str, str]]) -> list[str]:
    """The words of chunks: each one's headings, context, text and language."""
    return [chunk_words(*each) for each in texts]


_OLD = sa.text(
    """
    SELECT id, document_id FROM document_chunks
    WHERE words_rule = 0 ORDER BY user_id LIMIT :most
    """
)
_READ = sa.text(
    """
    SELECT c.id AS chunk_id, c.heading_path, c.context, c.text, coalesce(j.language, '') AS language
    FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    LEFT JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE c.id = ANY(CAST(:ids AS uuid[])) AND c.words_rule = 0
    """
)
_REWRITE = sa.text(
    f"""
    UPDATE document_chunks AS c SET search = w.words::tsvector, words_rule = {RULE}
    FROM {WORDS} AS w WHERE w.chunk_id = c.id
    """
)
_PUBLISHED_JOBS = sa.text(
    """
    SELECT published_job_id FROM documents
    WHERE id = ANY(CAST(:documents AS uuid[])) AND published_job_id IS NOT NULL
    """
)


_COUNT_OLD = sa.text("SELECT count(*) FROM document_chunks WHERE words_rule = 0")


async def count_old_words(database: Database) -> int:
    """How many chunks have the words of an older rule."""
    async with database.service() as connection:
        return int(await connection.scalar(_COUNT_OLD) or 0)


async def renew_old_words(database: Database, most: int) -> int:
    """Make the words of chunks of an older rule anew, a transaction a page; returns how many.

    What is killed meanwhile is done up to its last page, and goes on there the next time.

    Args:
        most: as many chunks at most.
    """
    done = 0
    while done < most:
        async with database.service() as connection:
            size = min(_AT_ONCE, most - done)
            found = await rows(connection, _OLD, {"most": size})
            if found:
                await _renew(connection, found)
        done += len(found)
        if len(found) < size:
            break
    return done


async def _renew(connection: AsyncConnection, old: Sequence[sa.RowMapping]) -> None:
    # A document's lock guards its chunks.
    documents = sorted({row["document_id"] for row in old})
    await lock_documents(connection, documents)
    page = await rows(connection, _READ, {"ids": [row["id"] for row in old]})
    await copy_rows(connection, WORDS, _COLUMNS, ())
    await _fill(connection, page)
    await connection.execute(_REWRITE)
    jobs = (await connection.execute(_PUBLISHED_JOBS, {"documents": documents})).scalars()
    await keep_languages(connection, list(jobs))
