"""Finds where the word index lacks chunks or has too many, mends it, and keeps it tidy."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store import word_differences, word_index
from stages.reconciling.inspection import Inspection
from stages.word_indexing import index_user, tidy_all


async def unindexed_words(look: Inspection) -> AsyncIterator[Finding]:
    """Find users of whom many chunks wait for the word index, and index them.

    That segments are written anew is no finding: it comes of ordinary changes.
    """
    database = look.services.database
    for user in await word_index.waiting_users(database):
        number = await word_index.waiting(database, user)
        mended = look.mends(Kind.WORDS_UNINDEXED) and await index_user(database, user) > 0
        yield look.finding(
            Kind.WORDS_UNINDEXED,
            f"user {user}",
            number=number,
            detail=f"{number} chunks wait",
            mended=mended,
        )
    if look.fix:
        await tidy_all(database)


async def differing_words(look: Inspection) -> AsyncIterator[Finding]:
    """Find users whose word index differs from their chunks, and have it follow the chunks."""
    database = look.services.database
    for user in await word_index.indexed_users(database):
        async with database.service() as connection:
            found = await word_differences.count_differences(connection, user)
        if not (found.missing or found.extra):
            continue
        mended = look.mends(Kind.WORDS_DIFFER)
        if mended:
            await word_differences.note_differences(database, user)
        yield look.finding(
            Kind.WORDS_DIFFER,
            f"user {user}",
            number=found.missing + found.extra,
            detail=f"{found.missing} chunks are missing in it, {found.extra} are too much",
            mended=mended,
        )
