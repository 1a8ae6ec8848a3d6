"""Indexes the words of what was published; searches are right without it, and slower.

It comes after the publication, in transactions of its own: at the end of a run, or within it once
very many chunks wait. What a process does not come to, because it was killed or another one is at
it, waits for the next run or for maintenance.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pipeline.errors import DatabaseUnavailable
from pipeline.logs import logger
from pipeline.store import word_index
from pipeline.store.engine import Database

_LOG = logger("navigator.words")


async def index_published(
    database: Database, jobs: Sequence[UUID], *, least: int = word_index.TOO_MANY
) -> None:
    """Index the words of these jobs' users where so many chunks wait for it."""
    try:
        async with database.service() as connection:
            users = await word_index.users_of(connection, jobs)
        await _index(database, users, least)
    except DatabaseUnavailable as error:
        _tell(error)


async def index_run(database: Database, run: UUID) -> None:
    """Index the words of the users whose documents a run has published."""
    try:
        async with database.service() as connection:
            users = await word_index.users_of_run(connection, run)
        await _index(database, users, word_index.WORTH_INDEXING)
    except DatabaseUnavailable as error:
        _tell(error)


def _tell(error: DatabaseUnavailable) -> None:
    # What was published stays published, and is found by scanning.
    _LOG.warning("words_not_indexed", code=error.code)


async def _index(database: Database, users: Sequence[UUID], least: int) -> None:
    for user in await word_index.waiting_users(database, users, least=least):
        await index_user(database, user)


async def index_user(database: Database, user: UUID) -> int:
    """Index what waits of a user, a segment at a time; how many chunks that were."""
    done = 0
    while number := await word_index.index_waiting(database, user):
        done += number
    return done


async def index_everybody(database: Database) -> None:
    """Index what waits of every user, as after a restore."""
    for user in await word_index.waiting_users(database):
        await index_user(database, user)


async def tidy_all(database: Database) -> int:
    """Write anew what is worn of everybody's index; how many segments were replaced."""
    replaced = 0
    for user in await word_index.indexed_users(database):
        while number := await word_index.tidy(database, user):
            replaced += number
    return replaced
