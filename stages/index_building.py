"""Builds the word index and the vector indexes, or builds them anew, and tells how far it is."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

from pipeline.store import embedding_spaces, word_forgetting, word_index
from pipeline.store.engine import Database
from stages.word_indexing import index_user, tidy_all

Told = Callable[[str], None]
_TOLD_EVERY = 0.1


async def build_words(database: Database, told: Told, *, anew: bool = False) -> None:
    """Index what waits of every user.

    Args:
        anew: throw away what there is before, a user after the other; their searches scan until
            their own is done.
    """
    if anew:
        for user in await word_index.indexed_users(database):
            await word_forgetting.rebuild(database, user)
            told(f"Words: {await index_user(database, user):,} passages of a user indexed anew.")
    users = await word_index.waiting_users(database)
    for number, user in enumerate(users, 1):
        done = await index_user(database, user)
        told(f"Words: {done:,} passages indexed, user {number:,} of {len(users):,}.")
    await tidy_all(database)


async def build_vectors(
    database: Database, minimum: int, told: Told, *, anew: bool = False
) -> None:
    """Build the vector index of each space that holds enough vectors and has none.

    Args:
        anew: the others too; each answers until the new one takes its place.
    """
    there = dict(await embedding_spaces.indexed_spaces(database))
    for space, dimension in await embedding_spaces.all_spaces(database):
        again = space in there
        if (again and anew) or await embedding_spaces.needs_index(database, space, minimum):
            await _build(database, space, dimension, told, anew=again)


async def _build(
    database: Database, space: UUID, dimension: int, told: Told, *, anew: bool
) -> None:
    heard = 0.0

    async def progress(share: float) -> None:
        nonlocal heard
        if share >= heard + _TOLD_EVERY:
            heard = share
            told(f"Vectors of space {space}: {share:.0%}.")

    await embedding_spaces.build_index(database, space, dimension, progress, anew=anew)
    told(f"Vectors of space {space}: done.")
