"""Two servers that call their model the same are two spaces, unless their vectors are the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pipeline.identity import user_id
from pipeline.store import space_pointer
from stages.services import Services
from tests.flows.corpus import Opener, change, policy, query
from tests.ingesting import ingest
from tests.stages.spaces.other_server import DIMENSION, server

ANNA = user_id("anna")


def at(address: str) -> dict[str, Any]:
    """Settings of a server of one's own."""
    return {
        "embedder": "openai", "embedding_model": "default", "embedding_dimension": DIMENSION,
        "openai_base_url": address,
    }  # fmt: skip


async def spaces(services: Services) -> list[space_pointer.StoredSpace]:
    """Every space."""
    async with services.database.service() as connection:
        return await space_pointer.all_spaces(connection)


async def test_another_model_behind_the_same_name_is_another_space(
    local: Opener, folder: Path
) -> None:
    """The vectors of a few stored texts differ: another space, which says why; told again, too."""
    policy(folder, "home")
    with server("one") as (first, _), server("two") as (second, sent):
        async with local(**at(first)) as services:
            await ingest(services, [folder], ANNA)
            own = services.version.space_id
        async with local(**at(second)) as services:
            assert services.version.space_id != own
            found = {each.id: each for each in await spaces(services)}
            assert "Another server calls its model default" in str(
                found[services.version.space_id].note
            )
        probed = len(sent)
        async with local(**at(second)) as services:
            assert services.version.space_id != own
        assert len(sent) == probed
        async with local(**at(first)) as services:
            assert services.version.space_id == own


async def test_the_same_model_at_another_address_is_the_same_space(
    local: Opener, folder: Path
) -> None:
    """A server that moved is asked for the vectors of a few texts once, and nothing is redone."""
    policy(folder, "home")
    with server("one") as (first, _), server("one") as (second, sent):
        async with local(**at(first)) as services:
            await ingest(services, [folder], ANNA)
            own = services.version.space_id
        for _again in range(2):
            async with local(**at(second)) as services:
                assert services.version.space_id == own
                assert [each.addresses for each in await spaces(services)] == [[first, second]]
        assert 1 <= len(sent) <= 3
        calls = "SELECT operation FROM upload_pipeline.service_calls WHERE operation = 'probe'"
        async with local(**at(second)) as services:
            assert len(await query(services, calls)) == len(sent)


async def test_an_installation_from_before_takes_its_server_for_its_own(
    local: Opener, folder: Path
) -> None:
    """Where no server was noted, the one of the settings is: nothing is embedded again."""
    policy(folder, "home")
    with server("one") as (first, sent):
        async with local(**at(first)) as services:
            await ingest(services, [folder], ANNA)
            own, before = services.version.space_id, len(sent)
            await change(services, "UPDATE upload_pipeline.embedding_spaces SET addresses = '{}'")
        async with local(**at(first)) as services:
            assert services.version.space_id == own
            assert [each.addresses for each in await spaces(services)] == [[first]]
        assert len(sent) == before


async def test_a_known_makers_model_is_one_space_wherever_it_is_asked(
    remote: Opener, local: Opener, folder: Path
) -> None:
    """A name that OpenAI gave makes the space, not the address: a proxy gives the same vectors."""
    async with remote() as services:
        own = services.version.space_id
        assert [each.addresses for each in await spaces(services)] == [[]]
    async with local(embedder="openai", openai_api_key="sk-test") as services:
        assert services.version.space_id == own
