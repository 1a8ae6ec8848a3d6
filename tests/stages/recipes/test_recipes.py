"""A recipe is built beside what is published, compared, exchanged for it and back, unmixed."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from mocks import OpenAIMock
from pipeline.errors import UsageError
from pipeline.store.deletion import delete_documents
from pipeline.store.recipe_reading import RecipeDatabase
from pipeline.store.transitions import Actor
from stages.recipes import building, switching
from stages.search import Question, answer
from stages.spaces.following import following
from tests.flows.corpus import Opener, corpus, documents, query
from tests.ingesting import ingest
from tests.stages.recipes.building import ANNA, BEN, LITTLE, built, published
from tests.stages.spaces.building import chunks


async def test_a_recipe_is_built_switched_to_and_rolled_back(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Readers see nothing of it before; then all of it; then what they saw, bought once for all."""
    async with published(remote, folder) as services:
        before, sent = await corpus(services), openai.stats()["inputs"]
        recipe = building.wanted(services, LITTLE)
        told = await building.plan(services, recipe, store=False)
        _, run = await built(services)
        assert (run.use.documents, run.use.lacking, run.stopped) == (3, 0, None)
        assert run.texts == told.texts == openai.stats()["inputs"] - sent > 3
        assert await corpus(services) == before
        view = RecipeDatabase(services.database, recipe.id)
        asked = Question("a storm in the garden", limit=10)
        beside = await answer(asked, ANNA, view, services.embedder)
        assert {len(each.text) < 400 for each in beside.passages} == {True}
        assert not {each.name for each in beside.passages} & {"boat.md"}

        compared = await switching.compare(services, recipe, None)
        assert compared is None
        with pytest.raises(UsageError, match="no golden questions"):
            await switching.switch(services, recipe, "test", None)
        done = await switching.switch(services, recipe, "test", None, force="it is tried")
        assert (done.documents, done.left) == (3, 0)
        now = await following(services)
        assert now.version.chunker == recipe.chunker
        seen = await answer(asked, ANNA, now.database, now.embedder)
        assert [each.text for each in seen.passages] == [each.text for each in beside.passages]
        again = await ingest(now, [folder], ANNA)
        assert {each.outcome for each in (await documents(now, again)).values()} == {"unchanged"}

        sent = openai.stats()["inputs"]
        await switching.roll_back(now, "test")
        assert await corpus(services) == before
        assert (await following(now)).version == services.version
        assert openai.stats()["inputs"] == sent
        await switching.roll_back(services, "test")
        assert await corpus(services) != before


async def test_a_reader_sees_one_cut_or_the_other_while_it_is_switched(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Answers that are asked for meanwhile hold chunks of the one cut alone, or of the other."""
    async with published(remote, folder) as services:
        large = await chunks(services)
        recipe, _ = await built(services)
        asked, over, begun = Question("a storm in the garden", limit=10), False, asyncio.Event()
        seen: list[set[UUID]] = []

        async def read() -> None:
            while not over:
                found = await answer(asked, ANNA, services.database, services.embedder)
                seen.append({each.chunk_id for each in found.passages})
                begun.set()

        readers = [asyncio.create_task(read()) for _ in range(2)]
        await begun.wait()
        await switching.switch(services, recipe, "test", None, force="it is tried")
        last = await answer(asked, ANNA, services.database, services.embedder)
        over = True
        await asyncio.gather(*readers)
        little = await chunks(services)
        assert not large & little
        assert all(each <= large or each <= little for each in seen)
        assert seen[0] <= large
        assert {each.chunk_id for each in last.passages} <= little


@pytest.mark.long
async def test_a_cap_and_a_kill_lose_nothing_and_what_goes_takes_its_cut_along(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A capped build goes on; a changed document is void; a deleted one leaves no row."""
    async with published(remote, folder) as services:
        recipe, run = await built(services, cap=Decimal("0.0000001"))
        assert run.texts < 3 or run.stopped is not None
        assert run.use.lacking
        sent = openai.stats()["inputs"]
        _, again = await built(services)
        assert again.use.lacking == 0
        assert again.texts == openai.stats()["inputs"] - sent
        _, idle = await built(services)
        assert idle.texts == 0

        (folder / "car.md").write_text((folder / "car.md").read_text().replace("loss", "theft"))
        await ingest(services, [folder], ANNA)
        use = await switching.use_of(services, recipe)
        assert (use.documents, use.lacking) == (2, 1)
        with pytest.raises(UsageError, match="lacks 1 published"):
            await switching.switch(services, recipe, "test", None)
        gone = [row["id"] for row in await query(
            services, "SELECT id FROM upload_pipeline.documents WHERE name = 'home.md'"
        )]  # fmt: skip
        async with services.database.service() as connection:
            await delete_documents(connection, gone, Actor("person"))
        left = await query(
            services,
            "SELECT DISTINCT user_id FROM upload_pipeline.recipe_chunks UNION "
            "SELECT DISTINCT user_id FROM upload_pipeline.recipe_vectors",
        )
        assert {row["user_id"] for row in left} == {BEN}
        assert await switching.drop(services, recipe) == 1
        assert not await query(services, "SELECT id FROM upload_pipeline.recipes")
