"""Retention rules: what is past its time, where several rules apply, and what keeps it anyway."""

from __future__ import annotations

from uuid import UUID

import pytest
import sqlalchemy as sa

from pipeline.errors import UsageError
from pipeline.store import retention
from pipeline.store.engine import Database
from pipeline.store.retention import RetentionRule
from pipeline.store.schema import SCHEMA
from tests.pipeline.store.making import ANNA, BEN, register, source

START = UUID(int=0)


async def aged(
    database: Database, name: str, days: int, user: UUID = ANNA, tags: tuple[str, ...] = ()
) -> UUID:
    """A document whose newest version came so many days ago."""
    [found] = await register(database, [source(name)], user, tags=tags)
    statement = sa.text(
        f"UPDATE {SCHEMA}.upload_jobs SET created_at = now() - make_interval(days => :days) "
        "WHERE id = :job"
    )
    async with database.service() as connection:
        await connection.execute(statement, {"days": days, "job": found.job_id})
    return found.document_id


async def set_rules(database: Database, *rules: RetentionRule) -> None:
    """Set rules."""
    async with database.service() as connection:
        for rule in rules:
            await retention.set_rule(connection, rule)


async def due(database: Database) -> set[UUID]:
    """What is past its time."""
    async with database.service() as connection:
        return set(await retention.due(connection, after=START))


async def test_without_a_rule_everything_is_kept(store: Database) -> None:
    """However old it is."""
    await aged(store, "a.md", 10_000)
    assert await due(store) == set()


async def test_the_rule_that_keeps_longest_counts(store: Database) -> None:
    """A rule for a tag or a user lengthens what the rule for all says, and never shortens it."""
    old = await aged(store, "old.md", 400)
    claim = await aged(store, "claim.md", 400, tags=("claims",))
    quote = await aged(store, "quote.md", 400, tags=("quotes",))
    other = await aged(store, "other.md", 400, user=BEN)
    await aged(store, "new.md", 100)
    await set_rules(
        store,
        RetentionRule("all", 365),
        RetentionRule("claims", 3650, tag="claims"),
        RetentionRule("quotes", 30, tag="quotes"),
        RetentionRule("of ben", 3650, BEN),
    )
    assert await due(store) == {old, quote}
    async with store.service() as connection:
        told = {each.name: each for each in await retention.all_rules(connection)}
    assert (told["all"].documents, told["all"].past) == (5, 2)
    assert (told["claims"].documents, told["claims"].past) == (1, 0)
    assert (told["quotes"].documents, told["quotes"].past) == (1, 1)
    assert claim not in await due(store) and other not in await due(store)


async def test_a_new_version_begins_anew(store: Database) -> None:
    """The age is that of the newest version."""
    document = await aged(store, "a.md", 400)
    await set_rules(store, RetentionRule("all", 365))
    assert await due(store) == {document}
    await register(store, [source("a.md", "other bytes")])
    assert await due(store) == set()


async def test_a_rule_is_changed_and_removed(store: Database) -> None:
    """By its name; another name is told."""
    document = await aged(store, "a.md", 400)
    await set_rules(store, RetentionRule("all", 365), RetentionRule("all", 500))
    assert await due(store) == set()
    await set_rules(store, RetentionRule("all", 399))
    assert await due(store) == {document}
    async with store.service() as connection:
        await retention.remove_rule(connection, "all")
        with pytest.raises(UsageError, match="no retention rule 'all'"):
            await retention.remove_rule(connection, "all")
    assert await due(store) == set()
