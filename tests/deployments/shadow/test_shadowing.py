"""Shadows on a real database: what another pipeline makes is compared, and never published."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from deployments.shadow.candidate import Answering, told_of
from deployments.shadow.candidate_process import (
    Candidate,
    CandidateEnded,
    candidate_of,
    handed_over,
    withheld,
)
from deployments.shadow.comparing import shadow_side_by_side
from deployments.shadow.shadowing import Parts, end, follow
from deployments.shadow.starting import size_variables
from deployments.verification.side_by_side import SideBySide
from mocks import OpenAIMock
from pipeline.chunk_sizes import UNREMEMBERED, ChunkSizes, sizes_in_force
from pipeline.identity import CANARY, user_id
from pipeline.settings import Settings, load_settings
from pipeline.store import shadows
from pipeline.store.deletion import delete_documents
from pipeline.store.shadows import Shadow
from pipeline.store.smoke_test import stored_rows
from pipeline.store.transitions import Actor
from stages.erasing import erase
from stages.services import Services, open_services
from stages.shadowing import Tools, open_tools
from tests.ingesting import ingest

ANNA, BEN = user_id("anna"), user_id("ben")
NAME = "mine"

POLICY = "# Policy\n\n" + "\n\n".join(
    f"## {number} Cover\n\nWe cover water damage number {number} of the insured house up to "
    f"{number},000 dollars, after the deductible has been subtracted from the loss."
    for number in range(1, 13)
)


@dataclass
class Inside:
    """A candidate in this process, which speaks as one in a process of its own does.

    Attributes:
        dies: sources on which its process ends.
        asked: how often it was asked what.
    """

    tools: Tools
    dies: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    async def start(self) -> Candidate:
        self._answering = Answering(self.tools)
        return candidate_of(json.loads(json.dumps(told_of(self.tools))))

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(question["do"])
        if question.get("source") in self.dies:
            raise CandidateEnded("The candidate's process has ended.")
        answer = await self._answering.answer(json.loads(json.dumps(question)))
        told: dict[str, Any] = json.loads(json.dumps(answer))
        return told

    async def stop(self) -> None:
        del self._answering


@dataclass
class World:
    """The release that runs, and another one beside it."""

    services: Services
    candidate: Inside

    async def begin(
        self, *, share: float = 1.0, wanted: int = 50, max_cost_usd: Decimal = Decimal(0)
    ) -> Shadow:
        async with self.services.database.service() as connection:
            begun = await shadows.begin(
                connection, NAME, "9-0123456789", share=share, wanted=wanted,
                max_cost_usd=max_cost_usd, who="me",
            )  # fmt: skip
            return await shadows.shadow(connection, begun)

    async def follow(self, begun: Shadow) -> str:
        """Compare what is there, without waiting for more."""
        return await follow(
            self.parts, begun, await self.candidate.start(), self.candidate, deadline=0.0
        )

    async def compared(self, begun: Shadow) -> SideBySide:
        """What is there, on both sides."""
        candidate = await self.candidate.start()
        chosen = await self.chosen(begun)
        exactly = await self.changed(begun, wanted=max(1, len(chosen)))
        await follow(self.parts, exactly, candidate, self.candidate)
        async with self.services.database.service() as connection:
            return shadow_side_by_side(begun, await shadows.results(connection, begun.id))

    async def changed(self, begun: Shadow, *, wanted: int) -> Shadow:
        async with self.services.database.service() as connection:
            await connection.execute(
                sa.text("UPDATE shadow_runs SET wanted = :wanted WHERE id = :id"),
                {"wanted": wanted, "id": begun.id},
            )
            return await shadows.shadow(connection, begun.id)

    async def chosen(self, begun: Shadow) -> set[UUID]:
        async with self.services.database.service() as connection:
            return {each.document_id for each in await shadows.chosen(connection, begun, 1000)}

    async def results(self, begun: Shadow) -> int:
        async with self.services.database.service() as connection:
            return len(await shadows.results(connection, begun.id))

    @property
    def parts(self) -> Parts:
        services = self.services
        return Parts(services.settings, services.database, services.storage, lambda _: None)


Opener = Any


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Opener:
    """Opens both releases with their settings; the second one's change."""

    @asynccontextmanager
    async def opened(
        other: Mapping[str, Any] | None = None, **settings: Any
    ) -> AsyncIterator[World]:
        common = {"home": tmp_path / "home", "parse_workers": 1, "embedder": "wordllama"} | settings
        runs = load_settings(database_url=database_url, **common)
        async with AsyncExitStack() as stack:
            services = await stack.enter_async_context(open_services(runs))
            tried = Settings(**{**common, **(other or {})})
            tools = await stack.enter_async_context(open_tools(tried))
            yield World(services, Inside(tools))

    return opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    return made


def write(folder: Path, name: str, text: str = POLICY) -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


async def rows(services: Services) -> dict[str, int]:
    async with services.database.service() as connection:
        found = await stored_rows(connection, ANNA)
    return {name: count for name, count in found.items() if name != "shadow_results"}


async def test_the_same_release_makes_the_same(world: Opener, folder: Path) -> None:
    """Documents that end well, with a gap and in quarantine end alike, and nothing is published."""
    async with world() as here:
        begun = await here.begin()
        write(folder, "policy.md")
        write(folder, "gap.html", '<html><body><h1>Form</h1><p>Name of the insured: Anna Example, '
              'hail on the roof.</p><object data="e.pdf" type="application/pdf"></object></body>'
              "</html>")  # fmt: skip
        write(folder, "empty.md", "   \n")
        await ingest(here.services, [folder], ANNA)
        before = await rows(here.services)
        found = await here.compared(begun)
        states = sorted(str(each.states[0]) for each in found.documents)
        assert states == ["complete", "complete_with_gaps", "failed_parse"]
        told = found.statistics
        assert (told["same_state"], told["same_text"], told["same_chunks"]) == (1, 1, 1)
        assert await rows(here.services) == before


async def test_another_chunker_is_told(world: Opener, folder: Path) -> None:
    """Other chunks of the same text are counted, by text; the published ones stay."""
    async with world({"chunk_tokens": 32, "chunk_overlap_tokens": 0}) as here:
        begun = await here.begin()
        await ingest(here.services, [write(folder, "policy.md")], ANNA)
        before = await rows(here.services)
        [pair] = (await here.compared(begun)).documents
        assert pair.same_text
        assert pair.chunks[1] > pair.chunks[0]
        assert pair.same_chunks < pair.chunks[0]
        assert await rows(here.services) == before


async def test_only_new_documents_of_the_share(world: Opener, folder: Path) -> None:
    """What was there before is left alone, as are canaries; a larger share holds a smaller one."""
    async with world() as here:
        await ingest(here.services, [write(folder, "old.md", "# Old\n\nIt was here before.")], ANNA)
        begun = await here.begin()
        await ingest(here.services, [write(folder, "old.md", "# Old\n\nIt was here before.")], ANNA)
        files = [write(folder, f"{n}.md", f"# New {n}\n\nA rule of number {n}.") for n in range(24)]
        await ingest(here.services, files, ANNA)
        await ingest(here.services, files[:1], CANARY)
        everything = await here.chosen(begun)
        assert len(everything) == 24
        parts = [await here.chosen(_with(begun, share)) for share in (0.2, 0.5, 0.8)]
        assert parts[0] < parts[1] < parts[2] < everything
        assert parts[1] == await here.chosen(_with(begun, 0.5))


def _with(begun: Shadow, share: float) -> Shadow:
    from dataclasses import replace

    return replace(begun, share=share)


async def test_nothing_is_bought_twice(world: Opener, folder: Path) -> None:
    """Texts that have a vector in the space are not sent, neither to embed nor to parse them."""
    with OpenAIMock() as mock:
        paid = {"embedder": "openai", "openai_api_key": "sk-test", "openai_base_url": mock.base_url}
        async with world(**paid) as here:
            begun = await here.begin()
            await ingest(here.services, [write(folder, "policy.md")], ANNA)
            before = mock.stats()["requests"]
            [pair] = (await here.compared(begun)).documents
            assert pair.states == ("complete", "complete")
            assert mock.stats()["requests"] == before


async def test_what_is_bought_is_capped_and_in_the_ledger(world: Opener, folder: Path) -> None:
    """Another chunker's texts are bought once each, up to the cap, which ends the shadow."""
    with OpenAIMock() as mock:
        paid = {"embedder": "openai", "openai_api_key": "sk-test", "openai_base_url": mock.base_url}
        other = {"chunk_tokens": 32, "chunk_overlap_tokens": 0}
        async with world(other, **paid) as here:
            begun = await here.begin(max_cost_usd=Decimal("0.0001"))
            files = [write(folder, "a.md"), write(folder, "same.md")]
            await ingest(here.services, files, ANNA)
            before = mock.stats()["requests"]
            await here.compared(begun)
            assert mock.stats()["requests"] == before + 1  # the second has the same texts
            async with here.services.database.service() as connection:
                ledger = await connection.scalar(
                    sa.text("SELECT sum(cost_usd) FROM service_calls WHERE operation = 'shadow'")
                )
                assert (await shadows.shadow(connection, begun.id)).spent_usd == ledger > 0
            long = "\n\n".join(f"## {n}\n\n{'Another word. ' * 50}{n}" for n in range(400))
            await ingest(here.services, [write(folder, "long.md", long)], ANNA)
            bought = mock.stats()["requests"]
            now = await here.changed(begun, wanted=10)
            reason = await follow(
                here.parts, now, await here.candidate.start(), here.candidate, deadline=None
            )
            assert "would pass $0.0001" in reason
            assert mock.stats()["requests"] == bought


async def test_a_document_on_which_it_dies(world: Opener, folder: Path) -> None:
    """The candidate is started again, the document counts as not finished, the others go on."""
    async with world() as here:
        begun = await here.begin()
        bad = write(folder, "bad.md")
        await ingest(here.services, [bad, write(folder, "good.md", POLICY + "\n\nMore.")], ANNA)
        here.candidate.dies.add(str(bad))
        found = await here.compared(begun)
        states = sorted(str(each.states[1]) for each in found.documents)
        assert states == ["complete", "not_finished"]
        assert found.statistics["same_state"] == 0.5


async def test_its_end_leaves_statistics_alone(world: Opener, folder: Path) -> None:
    """At the end no document is named any more; a second end changes nothing."""
    async with world() as here:
        begun = await here.begin()
        await ingest(here.services, [write(folder, "policy.md")], ANNA)
        [pair] = (await here.compared(begun)).documents
        ended = await end(here.parts, begun, "Enough.")
        assert await here.results(begun) == 0
        assert ended.statistics is not None
        assert ended.statistics["ends"] == {"complete / complete": 1}
        assert pair.name not in json.dumps(ended.statistics)
        assert (await end(here.parts, begun, "Again.")).reason == "Enough."


async def test_a_person_stops_it(world: Opener) -> None:
    """Whoever works on it ends it with the reason that was left for it."""
    async with world() as here:
        begun = await here.begin()
        async with here.services.database.service() as connection:
            await shadows.ask_to_end(connection, begun.id, "A person stopped it.")
        candidate = await here.candidate.start()
        assert await follow(here.parts, begun, candidate, here.candidate) == "A person stopped it."


async def test_an_erased_user_is_in_no_result(world: Opener, folder: Path) -> None:
    """With a user's documents go their results; another user's stay."""
    async with world() as here:
        begun = await here.begin()
        file = write(folder, "policy.md")
        await ingest(here.services, [file], ANNA)
        await ingest(here.services, [file], BEN)
        await here.compared(begun)
        services = here.services
        await erase(
            services.database, services.storage, services.settings, ANNA, BEN,
            reports=folder / "none",
        )  # fmt: skip
        assert await here.results(begun) == 1
        async with services.database.service() as connection:
            assert (await stored_rows(connection, ANNA))["shadow_results"] == 0


async def test_a_document_deleted_meanwhile_is_not_kept(world: Opener, folder: Path) -> None:
    """A deletion takes the result along, and one that comes after it is dropped."""
    async with world() as here:
        begun = await here.begin()
        await ingest(here.services, [write(folder, "policy.md")], ANNA)
        async with here.services.database.service() as connection:
            [chosen] = await shadows.chosen(connection, begun, 5)
        result = shadows.ShadowResult(chosen.job_id, {}, {}, Decimal(0))
        async with here.services.database.service() as connection:
            assert await shadows.keep(connection, begun.id, result)
        async with here.services.database.service() as connection:
            await delete_documents(connection, [chosen.document_id], Actor("person"))
        assert await here.results(begun) == 0
        async with here.services.database.service() as connection:
            assert not await shadows.keep(connection, begun.id, result)


def test_the_candidate_gets_no_way_to_the_data() -> None:
    """Database, storage and tokens are withheld; Prefect too, unless a block is to be loaded."""
    given = {
        "NAVIGATOR_DATABASE_URL": "postgresql://secret", "NAVIGATOR_DATABASE_OWNER_URL": "secret",
        "NAVIGATOR_STORAGE_URL": "s3://secret", "NAVIGATOR_STORAGE_OPTIONS": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret", "NAVIGATOR_JWT_SECRET": "secret",
        "PREFECT_API_AUTH_STRING": "secret", "NAVIGATOR_CHUNK_TOKENS": "300",
        "OPENAI_API_KEY": "sk",
    }  # fmt: skip
    left = withheld(given)
    assert "secret" not in json.dumps(left)
    assert left["NAVIGATOR_CHUNK_TOKENS"] == "300"
    assert left["OPENAI_API_KEY"] == "sk"
    block = {"NAVIGATOR_EMBEDDER_BLOCK": "navigator-openai-embedder/x"}
    assert "PREFECT_API_AUTH_STRING" in withheld(given | block)


async def test_documents_are_handed_over_in_private_files() -> None:
    """What the candidate reads is readable by this user alone, and gone afterwards."""
    async with handed_over(b"content", b"text") as paths:
        places = [Path(each) for each in paths.values()]
        assert [each.read_bytes() for each in places] == [b"content", b"text"]
        assert places[0].parent.stat().st_mode & 0o077 == 0
    assert not any(each.exists() for each in places)


def test_a_candidate_is_told_how_large_chunks_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no database to ask, so the sizes in force come to it as settings."""
    for name, value in withheld(size_variables(ChunkSizes(300, 30))).items():
        monkeypatch.setenv(name, value)
    told = load_settings()
    assert sizes_in_force(told, UNREMEMBERED) == ChunkSizes(300, 30)
