"""Sources' rows: one run reads one, what was seen is remembered, and a user's go with the user."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.source_definition import SourceDefinition
from pipeline.store import erasure, source_objects, sources
from pipeline.store.engine import Database
from pipeline.store.source_objects import SeenObject

ANNA, BEN = user_id("anna"), user_id("ben")
CLAIMS = SourceDefinition(
    "s3://bucket/claims", ANNA, uuid4(), "claims", tags=("claims",), exclude=("drafts/",),
    options={"region": "eu-west-1"}, credentials="env:CLAIMS_KEYS", interval_seconds=900,
)  # fmt: skip


def seen(user: UUID, name: str, by: UUID | None, stamp: str = "1") -> SeenObject:
    """An object of the bucket."""
    return SeenObject(user, f"s3://bucket/claims/{name}", by, stamp, "", 5, "abc")


async def test_a_source_comes_back_as_it_was_added(database: Database) -> None:
    """Every field, and a name is taken once."""
    async with database.service() as connection:
        await sources.add(connection, CLAIMS)
        assert await sources.all_sources(connection) == [CLAIMS]
        with pytest.raises(UsageError, match="already"):
            await sources.add(connection, replace(CLAIMS, id=uuid4()))
        with pytest.raises(UsageError, match="no source"):
            await sources.named(connection, "letters")


async def test_an_object_stays_with_the_source_it_came_by(database: Database) -> None:
    """Another source over the same place does not take it; when the first is removed, it may."""
    first, second = CLAIMS, replace(CLAIMS, id=uuid4(), name="second")
    async with database.service() as connection:
        for each in (first, second):
            await sources.add(connection, each)
        await source_objects.remember(connection, [seen(ANNA, "a", first.id)])
        await source_objects.remember(connection, [seen(ANNA, "a", second.id, "2")])
        [known] = await source_objects.known(connection, ["s3://bucket/claims/a"])
        assert (known.source_id, known.stamp) == (first.id, "2")
        await sources.remove(connection, "claims")
        await source_objects.remember(connection, [seen(ANNA, "a", second.id, "3")])
        [known] = await source_objects.known(connection, ["s3://bucket/claims/a"])
        assert known.source_id == second.id


async def test_pages_tell_every_object_once(database: Database) -> None:
    """Of a source whoever's it is, of a person's prefix their own; a page begins after the last."""
    async with database.service() as connection:
        await sources.add(connection, CLAIMS)
        own = [seen(user, f"{n}", CLAIMS.id) for n in range(3) for user in (ANNA, BEN)]
        other = replace(seen(ANNA, "x", None), source="s3://bucket/claims-old/x")
        await source_objects.remember(connection, [*own, other])
        found, after = [], None
        while page := await source_objects.page(
            connection, "s3://bucket/claims/", CLAIMS.id, None, after, 2
        ):
            assert len(page) <= 2
            found += page
            after = page[-1]
        assert sorted(found, key=str) == sorted(own, key=str)
        bens = await source_objects.page(connection, "s3://bucket/claims/", None, BEN, None)
        assert [each.user_id for each in bens] == [BEN] * 3


async def test_an_erased_user_leaves_no_source_and_no_name_of_an_object(database: Database) -> None:
    """A name may say whose it is; and the next run would take everything in again."""
    async with database.service() as connection:
        await sources.add(connection, CLAIMS)
        await sources.add(connection, replace(CLAIMS, id=uuid4(), name="bens", user_id=BEN))
        objects = [seen(ANNA, "a", CLAIMS.id), seen(BEN, "a", CLAIMS.id)]
        await source_objects.remember(connection, objects)
    async with database.service() as connection:
        await erasure.erase_user(connection, ANNA, BEN)
        assert [each.name for each in await sources.all_sources(connection)] == ["bens"]
        left = await source_objects.known(connection, ["s3://bucket/claims/a"])
        assert [each.user_id for each in left] == [BEN]
