"""Every process of an installation cuts alike, whatever the program's default is."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from pipeline.chunk_sizes import RECOMMENDED, UNREMEMBERED, ChunkSizes
from pipeline.settings import load_settings
from pipeline.store.remembered_sizes import remember_sizes
from stages.chunk_sizes import standing
from stages.services import Services
from stages.shadowing import open_tools
from stages.spaces.following import following
from tests.flows.corpus import Opener

UNSET: dict[str, Any] = {"chunk_tokens": None, "chunk_overlap_tokens": None}


def cut(services: Services) -> tuple[int, int]:
    """What a process cuts by, and tells of what it made."""
    sizes = (services.chunker.max_tokens, services.chunker.overlap_tokens)
    assert f":{sizes[0]}/{sizes[1]}:" in services.version.chunker
    return sizes


async def remember(services: Services, sizes: ChunkSizes) -> None:
    """As `navigator chunking use` does."""
    async with services.database.service() as connection:
        await remember_sizes(connection, sizes)


async def test_processes_follow_what_is_remembered(local: Opener) -> None:
    """One that runs follows with its next work, one that starts has it, one that is set stays."""
    async with local(**UNSET) as running, local() as explicit:
        assert cut(running) == (RECOMMENDED.tokens, RECOMMENDED.overlap_tokens)
        assert await following(running) is running
        await remember(running, ChunkSizes(300, 30))
        assert cut(await following(running)) == (300, 30)
        assert await following(explicit) is explicit
        assert cut(explicit) == (64, 8)
        async with local(**UNSET) as started:
            assert cut(started) == (300, 30)
        async with local(**(UNSET | {"chunk_tokens": 90})) as fitted:
            assert cut(fitted) == (90, 30)


async def test_what_is_gained_is_told_where_it_is_gained(local: Opener) -> None:
    """An installation that began with less is told so, unless a setting or the model says it."""
    async with local(**UNSET) as services:
        settings, database = services.settings, services.database
        assert (await standing(settings, database)).outdated is None
        await remember(services, UNREMEMBERED)
        found = await standing(settings, database)
        assert (found.sizes, found.is_set, found.usd) == (UNREMEMBERED, False, Decimal(0))
        assert found.outdated is not None
        chosen = settings.model_copy(update={"chunk_tokens": 400})
        assert (await standing(chosen, database)).outdated is None


async def test_a_model_that_reads_no_more_gains_nothing(local: Opener, monkeypatch: Any) -> None:
    """Where the model's own limit is what cuts, no other size is recommended."""
    async with local(**UNSET) as services:
        await remember(services, UNREMEMBERED)
        monkeypatch.setattr("stages.chunk_sizes.chunk_limit", lambda _: UNREMEMBERED.tokens)
        assert (await standing(services.settings, services.database)).outdated is None


async def test_a_candidate_that_is_told_nothing_cuts_as_before(tmp_path: Path) -> None:
    """Whoever starts it without sizes is a release that remembers none."""
    async with open_tools(load_settings(home=tmp_path, embedder="wordllama")) as tools:
        assert tools.chunker.max_tokens == UNREMEMBERED.tokens
