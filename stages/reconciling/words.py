"""Finds users whose chunks wait for the word index, indexes them, and keeps the index tidy."""

from __future__ import annotations

from collections.abc import AsyncIterator

from pipeline.finding_kinds import Kind
from pipeline.findings import Finding
from pipeline.store import word_index
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
