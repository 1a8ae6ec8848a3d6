"""Publishing in groups: each document whole, and one group's trouble is not another's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from pipeline.documents import Claim
from pipeline.errors import ServiceUnavailable
from pipeline.identity import user_id
from pipeline.store import publication
from stages import gating, publishing
from stages.batch import claim_batch
from stages.services import Services
from tests.flows.corpus import Opener, corpus, policy, states
from tests.ingesting import accept, ingest, until_gate

ANNA = user_id("anna")


async def test_what_one_group_meets_leaves_the_others_published(
    local: Opener, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The trouble is raised, the other groups are published, and the next run does the rest."""
    monkeypatch.setattr(publishing, "_GROUP", 2)
    for number in range(5):
        policy(folder, f"policy-{number}")
    real = publication.publish
    groups: list[int] = []

    async def publish(connection: Any, claims: Sequence[Claim], *others: Any, **named: Any) -> Any:
        groups.append(len(claims))
        if len(claims) == 1:  # two connections publish: which group is the last is chance
            raise ServiceUnavailable("The smallest group is refused.")
        return await real(connection, claims, *others, **named)

    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with claim_batch(services, jobs, uuid4()) as held:
            await until_gate(services, held)
            passed, _, _ = await gating.gate(services, held)
            with monkeypatch.context() as patched:
                patched.setattr(publication, "publish", publish)
                with pytest.raises(ServiceUnavailable, match="smallest group"):
                    await publishing.publish(services, held, passed)
        assert sorted(groups) == [1, 2, 2]
        found = list((await states(services)).values())
        assert (found.count("complete"), found.count("embeddings_stored")) == (4, 1)
        await ingest(services, [folder], ANNA)
        assert set((await states(services)).values()) == {"complete"}
        assert {chunk[0] for chunk in await corpus(services)} == {
            f"policy-{number}.md" for number in range(5)
        }


async def test_only_what_the_gate_passed_is_published(local: Opener, folder: Path) -> None:
    """A document that the gate has not passed in this very run stays unseen."""
    for name in ("good", "doubtful"):
        policy(folder, name)
    async with local() as services:
        jobs = await accept(services, [folder], ANNA)
        async with claim_batch(services, jobs, uuid4()) as held:
            await until_gate(services, held)
            done = await publishing.publish(services, held, held.job_ids[:1])
        assert done.advanced == 1
        assert sorted((await states(services)).values()) == ["complete", "embeddings_stored"]
        assert len({chunk[0] for chunk in await corpus(services)}) == 1


async def refuse_commits(services: Services) -> None:
    """From now on no transaction that wrote a chunk for readers can be committed."""
    async with services.database.owner() as connection:
        for statement in (
            "CREATE FUNCTION upload_pipeline.refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE restrict_violation USING MESSAGE = 'refused at its commit'; END $$",
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON upload_pipeline.document_chunks "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION upload_pipeline.refuse()",
        ):
            await connection.exec_driver_sql(statement)


async def test_a_publication_that_fails_leaves_the_old_version_whole(
    local: Opener, folder: Path
) -> None:
    """Undone at its last moment, the next version's publication has changed nothing for readers."""
    policy(folder, "home")
    async with local() as services:
        await ingest(services, [folder], ANNA)
        before = await corpus(services)
        policy(folder, "home", sections=5)
        jobs = await accept(services, [folder], ANNA)
        await refuse_commits(services)
        async with claim_batch(services, jobs, uuid4()) as held:
            await until_gate(services, held)
            with pytest.raises(Exception, match="refused at its commit"):
                await publishing.publish(services, held, held.job_ids)
        assert await corpus(services) == before
        assert await states(services) == {"home.md": "embeddings_stored"}
