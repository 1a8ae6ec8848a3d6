"""The space that answers is switched, rolled back and dropped: nothing is mixed, none is lost."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa

from mocks import OpenAIMock
from pipeline.errors import UsageError
from pipeline.identity import user_id
from pipeline.store import space_pointer
from pipeline.store.engine import rows
from pipeline.store.space_pointer import StoredSpace
from stages.search import Question, SearchAnswer, answer
from stages.services import Services
from stages.spaces import switching
from stages.spaces.feeding import feed
from stages.spaces.following import following
from stages.spaces.switching import Refusal
from tests.flows.corpus import Opener, documents, policy, query
from tests.ingesting import ingest
from tests.stages.spaces.building import SMALL, begun, built, chunks, large, vectors

ANNA, BEN = user_id("anna"), user_id("ben")
NOTHING = Refusal(())


async def switch(services: Services, space: StoredSpace, force: str | None = None) -> None:
    """Have the gate's consent, and switch."""
    await switching.switch(services, space, "test", refusal=NOTHING, comparison=None, force=force)


async def found(services: Services, question: str, mode: str = "vector") -> SearchAnswer:
    """What Anna is answered now, as the API answers."""
    embedder = await services.embedders.answering(services.database)
    return await answer(Question(question, mode), ANNA, services.database, embedder)


async def test_a_process_that_runs_on_follows_a_switch_and_a_rollback(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Services opened before it answer from the new space, register in it, and go back."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space, _ = await built(services, large(openai))
        assert (await following(services)).version == services.version
        await switch(services, space)
        now = await following(services)
        assert now.version.space_id == space.id
        assert now.version.chunker == services.version.chunker
        assert (await found(services, "loss of kind 2")).passages
        await switching.roll_back(now, "test")
        assert (await following(now)).version.space_id == services.version.space_id


async def test_unchanged_documents_stay_unchanged_over_a_switch(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """After a switch the same files are unchanged: nothing is parsed, bought or written again."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space, _ = await built(services, large(openai))
        await switch(services, space)
        sent = openai.stats()["inputs"]
        now = await following(services)
        run = await ingest(now, [folder], ANNA)
        assert {each.outcome for each in (await documents(now, run)).values()} == {"unchanged"}
        assert openai.stats()["inputs"] == sent
        assert (await found(now, "loss")).elsewhere == 0


async def test_what_is_published_meanwhile_gets_into_both_spaces(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Added, changed and removed while a space is built: in the end both hold the same chunks."""
    for name in ("home", "car", "boat"):
        policy(folder, name)
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space = await begun(services, large(openai))
        policy(folder, "pet")
        (folder / "car.md").write_text((folder / "car.md").read_text().replace("loss", "theft"))
        run = await ingest(services, [folder], ANNA)
        _, done = await built(services, large(openai))
        assert done.left == 0
        assert await vectors(services, space.id) == await chunks(services)
        assert await vectors(services, services.version.space_id) == await chunks(services)
        policy(folder, "late")
        run = await ingest(services, [folder], ANNA)
        assert await vectors(services, space.id) != await chunks(services)
        jobs = [each["job_id"] for each in await query(
            services, "SELECT job_id FROM upload_pipeline.run_jobs WHERE run_id = :run", run=run
        )]  # fmt: skip
        await feed(services, run, jobs)
        assert await vectors(services, space.id) == await chunks(services)


async def test_what_is_published_after_a_switch_gets_into_the_old_space_too(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """The space before is kept up, so that a rollback finds everything."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space, _ = await built(services, large(openai))
        await switch(services, space)
        now = await following(services)
        policy(folder, "car")
        run = await ingest(now, [folder], ANNA)
        jobs = [each["job_id"] for each in await query(
            services, "SELECT job_id FROM upload_pipeline.run_jobs WHERE run_id = :run", run=run
        )]  # fmt: skip
        await switching.roll_back(now, "test")
        assert (await found(services, "loss")).elsewhere == 1
        await switch(services, space)
        await feed(now, run, jobs)
        await switching.roll_back(await following(services), "test")
        assert (await found(services, "loss")).elsewhere == 0
        assert await vectors(services, services.version.space_id) == await chunks(services)


async def test_a_space_that_lacks_a_document_does_not_answer_unless_forced(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """The count is made where no publication is under way; the reason of a force is kept."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space = await begun(services, large(openai))
        with pytest.raises(UsageError, match="lacks 1 published"):
            await switch(services, space)
        refusal = Refusal(("It lacks 1 published documents.",))
        with pytest.raises(UsageError, match="gate refuses"):
            await switching.switch(services, space, "me", refusal=refusal, comparison=None)
        await switching.switch(
            services, space, "me", refusal=refusal, comparison=None, force="a test"
        )
        async with services.database.service() as connection:
            (past,) = await space_pointer.switches(connection)
        assert (past.who, past.reason) == (
            "me",
            "a test (against: It lacks 1 published documents.)",
        )
        assert (await found(services, "loss of kind", "hybrid")).elsewhere == 1


async def test_the_space_that_answers_is_not_dropped_and_another_goes_wholly(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """What is dropped has no vector left, is fed no more, and cannot be rolled back to."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space, _ = await built(services, large(openai))
        await switch(services, space)
        now, old = await following(services), services.version.space_id
        with pytest.raises(UsageError, match="answers questions"):
            await switching.drop(now, space)
        async with services.database.service() as connection:
            before = await space_pointer.space(connection, old)
        assert before is not None
        gone = await switching.drop(now, before)
        assert gone.vectors == len(await chunks(now))
        assert await vectors(now, old) == set()
        with pytest.raises(UsageError, match="has been dropped"):
            await switching.roll_back(now, "test")
        run = await ingest(now, [folder], ANNA)
        assert {each.outcome for each in (await documents(now, run)).values()} == {"unchanged"}
        assert (await found(now, "loss")).elsewhere == 0


async def test_no_answer_is_mixed_while_the_space_is_switched_to_and_fro(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Readers ask all the time: each answer is one space's as it stands, and none fails."""
    for name in ("home", "car", "boat"):
        policy(folder, name)
    question = "what does the policy pay for a loss of kind 2"
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space, _ = await built(services, large(openai))

        async def told() -> tuple[tuple[object, float], ...]:
            passages = (await found(services, question)).passages
            return tuple((each.chunk_id, round(each.score, 5)) for each in passages)

        small = await told()
        await switch(services, space)
        big = await told()
        assert small != big
        answers: list[tuple[tuple[object, float], ...]] = []
        over = asyncio.Event()

        async def reader() -> None:
            while not over.is_set():
                answers.append(await told())

        readers = [asyncio.create_task(reader()) for _ in range(4)]
        for _ in range(6):
            await asyncio.sleep(0.1)
            await switching.roll_back(await following(services), "test")
        over.set()
        await asyncio.gather(*readers)
        assert set(answers) == {small, big}


async def test_another_user_finds_nothing_of_a_second_space(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """Neither vectors nor the backlog of a space are seen by a user whose they are not."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        space = await begun(services, large(openai))
        for owner, seen in ((ANNA, 1), (BEN, 0)):
            async with services.database.reader(owner) as connection:
                owed = await rows(connection, sa.text("SELECT * FROM space_backlog"))
            assert len(owed) == seen
        await built(services, large(openai))
        await switch(services, space)
        embedder = await services.embedders.answering(services.database)
        asked = Question("what does the policy pay", "vector")
        assert (await answer(asked, ANNA, services.database, embedder)).passages
        assert not (await answer(asked, BEN, services.database, embedder)).passages
