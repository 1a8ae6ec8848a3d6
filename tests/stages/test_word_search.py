"""Documents found by their words: joined words, amounts, languages, mistyped words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from pipeline.identity import user_id
from pipeline.settings import load_settings
from stages.search import SearchAnswer, ask
from stages.services import Services, open_services
from tests.ingesting import ingest

ANNA, BEN = user_id("anna"), user_id("ben")

FILES = {
    "vision.md": "# Vision\n\nWe cover theft/vandalism losses, and injury/sickness costs of yours.",
    "ceiling.md": "# Ceiling\n\nAt most $2,000,000.00 is paid for each loss, with a share of 7.5%.",
    "floor.md": "# Floor\n\nJewelry is insured up to $2,000 out of $620,000 for each loss.",
    "hausrat.md": "# Hausrat\n\nDie Versicherungen zahlen bei Schäden durch Leitungswasser bis "
    "1.500,00 Euro, und für gestohlene Fahrräder nach der Entschädigungstabelle.",
    "yichang.md": "# 医疗保险条款\n\n本合同承保意外伤害住院费用，"
    "但不承保牙科治疗费用。等待期为三十天。",
    "form.md": "# Declarations\n\nForms HO 5 and CG 20 10 12 19 apply. Your homeowners policy "
    "has a deductible, and personal injury protection as in Section 12(a).",
}
FOREIGN = {"secret.md": "# Zanzibar\n\nThe zanzibarian coverage of Ben's own quixotic schooner."}


@pytest.fixture(scope="module")
def filled(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database with Anna's documents, and one of Ben's."""
    home = tmp_path_factory.mktemp("home")

    async def fill() -> None:
        async with _services(module_database_url, home) as services:
            for user, files in ((ANNA, FILES), (BEN, FOREIGN)):
                folder = tmp_path_factory.mktemp("files")
                for name, text in files.items():
                    (folder / name).write_text(text)
                await ingest(services, [folder], user)

    asyncio.run(fill())
    return module_database_url


def _services(url: str, home: Path) -> AbstractAsyncContextManager[Services]:
    settings = load_settings(database_url=url, home=home, parse_workers=1, embedder="wordllama")
    return open_services(settings)


@pytest.fixture
async def services(filled: str, tmp_path: Path) -> AsyncIterator[Services]:
    """Services over that database."""
    async with _services(filled, tmp_path) as opened:
        yield opened


async def asked(
    services: Services, question: str, mode: str = "text", user: str = "anna"
) -> SearchAnswer:
    """The answer to a user's question."""
    return await ask(
        question, user_id(user), services.database, services.embedder, mode=mode, limit=10
    )


def names(answer: SearchAnswer) -> Sequence[str]:
    """The documents of the passages, best first."""
    return [passage.name for passage in answer.passages]


@pytest.mark.parametrize(
    ("question", "document"),
    [
        ("theft", "vision.md"),
        ("vandalism", "vision.md"),
        ("sickness", "vision.md"),
        ("injury/sickness", "vision.md"),
        ("$2,000,000", "ceiling.md"),
        ("2000000", "ceiling.md"),
        ("$2,000,000.00", "ceiling.md"),
        ("$2 million", "ceiling.md"),
        ("$2k", "floor.md"),
        ("7.50 %", "ceiling.md"),
        ("Versicherung", "hausrat.md"),
        ("Fahrrad", "hausrat.md"),
        ("$1,500", "hausrat.md"),
        ("牙科", "yichang.md"),
        ("住院费用", "yichang.md"),
        ("HO-5", "form.md"),
        ("ho\u20115", "form.md"),
        ("cg2010", "form.md"),
        ("\u00a7 12(a)", "form.md"),
        ("PIP", "form.md"),
    ],
)
async def test_a_word_finds_its_document_first(
    services: Services, question: str, document: str
) -> None:
    """In each spelling, whatever the document's language."""
    assert names(await asked(services, question))[:1] == [document]


@pytest.mark.parametrize("mode", ["text", "hybrid"])
async def test_a_larger_amount_never_loses_to_a_smaller(services: Services, mode: str) -> None:
    """The amount asked for comes first, also where another shares its digits."""
    assert names(await asked(services, "$2,000,000", mode))[0] == "ceiling.md"
    assert names(await asked(services, "$2,000", mode))[0] == "floor.md"


async def test_mistyped_words_find_the_words_that_were_meant(services: Services) -> None:
    """Each is replaced by a near word of the reader's documents, and the answer says so."""
    answer = await asked(services, "deductable for homeownrs polcy")
    assert names(answer) == ["form.md"]
    taken = {near.asked: near.taken for near in answer.near}
    assert taken == {"homeownrs": "homeowners", "polcy": "policy"}


async def test_nobody_elses_word_is_near(services: Services) -> None:
    """A mistyped word that only another user's documents have is left as it is."""
    mistyped = "zanzibarrian quixotik schoner"
    assert (await asked(services, mistyped)).near == []
    assert {near.taken for near in (await asked(services, mistyped, user="ben")).near} == {
        "zanzibarian", "quixotic", "schooner",
    }  # fmt: skip


async def test_a_passage_tells_its_language(services: Services) -> None:
    """As it was detected when its document was read."""
    found = (await asked(services, "Leitungswasser 住院")).passages
    assert {passage.name: passage.language for passage in found} == {
        "hausrat.md": "de", "yichang.md": "zh",
    }  # fmt: skip
