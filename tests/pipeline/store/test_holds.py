"""Legal holds: nothing deletes what one is on, by whichever way, until it is lifted."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa

from pipeline.errors import LegalHold, UsageError
from pipeline.store import deletion, erasure, holds
from pipeline.store.engine import Database
from pipeline.store.holds import Hold, Scope
from pipeline.store.schema import SCHEMA
from pipeline.store.transitions import Actor
from tests.pipeline.store.making import ANNA, BEN, published, register, source, table

PERSON = Actor("person")


async def place(database: Database, scope: Scope) -> Hold:
    """Place a hold in a transaction of its own."""
    async with database.service() as connection:
        return await holds.place(connection, uuid4(), scope, "matter 17", "me@here")


async def delete(database: Database, *documents: UUID) -> deletion.Deleted:
    """Delete in a transaction of its own."""
    async with database.service() as connection:
        return await deletion.delete_documents(connection, documents, PERSON)


async def erase(database: Database, user: UUID) -> deletion.Deleted:
    """Erase in a transaction of its own."""
    async with database.service() as connection:
        return await erasure.erase_user(connection, user, user)


async def put_inside(database: Database, child: UUID, parent: UUID) -> None:
    """Have a document be an attachment of another."""
    statement = sa.text(f"UPDATE {SCHEMA}.documents SET parent_id = :parent WHERE id = :child")
    async with database.service() as connection:
        await connection.execute(statement, {"parent": parent, "child": child})


async def test_a_held_document_is_passed_over_until_the_hold_is_lifted(store: Database) -> None:
    """The others go; after the hold is lifted it goes too, and the hold stays known."""
    kept, other = await published(store, "a.md", "one"), await published(store, "b.md", "two")
    placed = await place(store, Scope(document_id=kept.document_id))
    assert placed.documents == 1
    done = await delete(store, kept.document_id, other.document_id)
    assert done.documents == {other.document_id}
    assert done.held == {kept.document_id}
    async with store.service() as connection:
        await holds.lift(connection, placed.id, "settled")
        [told] = await holds.all_holds(connection)
    assert (told.lifted_reason, told.documents) == ("settled", 0)
    assert (await delete(store, kept.document_id)).documents == {kept.document_id}


@pytest.mark.parametrize(
    ("scope", "is_held"),
    [
        (Scope(owner_id=ANNA), True),
        (Scope(tag="claims"), True),
        (Scope(owner_id=ANNA, tag="claims"), True),
        (Scope(owner_id=BEN), False),
        (Scope(tag="other"), False),
        (Scope(owner_id=BEN, tag="claims"), False),
    ],
)
async def test_a_hold_is_on_what_matches_all_that_it_names(
    store: Database, scope: Scope, is_held: bool
) -> None:
    """Owner and tag, also of documents that come after it."""
    await place(store, scope)
    [found] = await register(store, [source("claim.md")], tags=["claims"])
    done = await delete(store, found.document_id)
    assert bool(done.held) == is_held
    assert bool(done.documents) != is_held


async def test_a_letter_and_its_attachments_are_kept_together(store: Database) -> None:
    """A hold on an attachment keeps the letter, one on the letter keeps what is inside it."""
    names = ("letter.eml", "offer.pdf", "zip.zip", "deep.pdf")
    letter, offer, archive, deep = [
        each.document_id for each in await register(store, [source(name) for name in names])
    ]
    for child, parent in ((offer, letter), (archive, letter), (deep, archive)):
        await put_inside(store, child, parent)
    first = await place(store, Scope(document_id=deep))
    done = await delete(store, letter)
    assert done.held == {deep, archive, letter}
    assert done.documents == {offer}
    async with store.service() as connection:
        await holds.lift(connection, first.id, "")
    await place(store, Scope(document_id=letter))
    assert (await delete(store, deep)).held == {deep}


async def test_a_user_with_a_held_document_is_not_erased(store: Database) -> None:
    """Nothing of theirs goes; another user is erased; with a user go the holds on all of theirs."""
    kept = await published(store, "a.md", "one")
    other = await published(store, "b.md", "two", user=BEN)
    placed = await place(store, Scope(document_id=kept.document_id))
    with pytest.raises(LegalHold, match="nothing was erased"):
        await erase(store, ANNA)
    assert len(await table(store, "document_chunks")) == 2
    assert (await erase(store, BEN)).documents == {other.document_id}
    async with store.service() as connection:
        await holds.lift(connection, placed.id, "settled")
    over_all = await place(store, Scope(owner_id=ANNA))
    with pytest.raises(LegalHold):
        await erase(store, ANNA)
    async with store.service() as connection:
        await holds.lift(connection, over_all.id, "settled")
    assert (await erase(store, ANNA)).documents == {kept.document_id}
    [left] = await table(store, "legal_holds")
    assert left["id"] == placed.id


async def test_who_deletes_meanwhile_is_waited_for(store: Database) -> None:
    """A hold says how many documents it keeps: none that a deletion under way takes."""
    job = await published(store, "a.md", "one")
    async with store.service() as connection:
        await deletion.delete_documents(connection, [job.document_id], PERSON)
        placing = asyncio.create_task(place(store, Scope(owner_id=ANNA)))
        await asyncio.sleep(0.2)
        assert not placing.done()
    assert (await placing).documents == 0


async def test_only_a_hold_in_force_is_lifted(store: Database) -> None:
    """Another id is told in one sentence."""
    async with store.service() as connection:
        with pytest.raises(UsageError, match="no such hold"):
            await holds.lift(connection, uuid4(), "")
