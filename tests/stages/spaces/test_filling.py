"""A second space is filled beside the first: each text bought once, whatever happens meanwhile."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

from mocks import OpenAIMock
from pipeline.errors import CostCapReached
from pipeline.identity import user_id
from tests.flows.corpus import Opener, policy
from tests.ingesting import ingest
from tests.stages.spaces.building import SMALL, built, chunks, large, vectors

ANNA, BEN = user_id("anna"), user_id("ben")


async def test_every_published_chunk_gets_a_vector_and_each_text_is_sent_once(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A second space holds all chunks; a text of one user that stands twice is bought once."""
    for name in ("home", "car"):
        policy(folder, name)
    (folder / "twin.md").write_text((folder / "car.md").read_text())
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        sent = openai.stats()["inputs"]
        space, run = await built(services, large(openai))
        assert await vectors(services, space.id) == await chunks(services)
        assert openai.stats()["inputs"] == 2 * sent
        assert (run.left, run.texts, run.stopped) == (0, sent, None)


async def test_built_again_nothing_is_bought(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """A space that is whole costs nothing more."""
    policy(folder, "home")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        await built(services, large(openai))
        sent = openai.stats()["inputs"]
        _, again = await built(services, large(openai))
        assert (openai.stats()["inputs"], again.texts) == (sent, 0)


async def test_a_cap_stops_a_build_which_then_goes_on(
    remote: Opener, openai: OpenAIMock, folder: Path
) -> None:
    """At its cap a build ends cleanly; another one buys only what is left."""
    for number in range(40):
        policy(folder, f"policy-{number}")
    async with remote(**SMALL, embedding_batch_inputs=4) as services:
        await ingest(services, [folder], ANNA)
        sent = openai.stats()["inputs"]
        space, run = await built(services, large(openai), Decimal("0.0002"))
        assert isinstance(run.stopped, CostCapReached)
        assert Decimal(0) < run.usd <= Decimal("0.0002")
        assert run.left > 0
        space, run = await built(services, large(openai))
        assert run.left == 0
        assert await vectors(services, space.id) == await chunks(services)
        assert openai.stats()["inputs"] == 2 * sent
