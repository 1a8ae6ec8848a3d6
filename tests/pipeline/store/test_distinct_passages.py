"""A passage that stands in many documents is found once, and names all of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pipeline.store import cited_passages, distinct_passages
from pipeline.store.engine import Database
from pipeline.store.search import SearchMode
from tests.pipeline.store.test_search import ALICE, ANY_MODE, BOB, ask, corpus, publish, question

__all__ = ["corpus"]

CLAUSE = "The platypus exclusion applies to all vessels over 26 feet."
OTHER = "The platypus sublimit for vessels is $4,400."


def near(*similarities: float) -> np.ndarray:
    """Unit vectors so near to the question's."""
    return np.array([[s, (1 - s * s) ** 0.5, 0, 0] for s in similarities], np.float32)


@ANY_MODE
async def test_copies_count_once(corpus: Database, mode: SearchMode) -> None:
    """Six same forms and another document: two passages, and the form's names the other five."""
    forms = [await publish(corpus, ALICE, [CLAUSE], near(0.9)) for _ in range(6)]
    other = await publish(corpus, ALICE, [OTHER], near(0.5))
    found = await ask(corpus, ALICE, question("platypus exclusion vessels", mode))
    assert [len(each.copies) + 1 for each in found] == [6, 1]
    first, second = found
    assert {first.document_id, *(each.document_id for each in first.copies)} == set(forms)
    assert all(each.same for each in first.copies)
    assert second.document_id == other
    assert {first.text_rank, second.text_rank} - {None} <= {1, 2}


@ANY_MODE
async def test_copies_beyond_the_candidates_push_nothing_away(
    corpus: Database, mode: SearchMode
) -> None:
    """With more copies than candidates, as many different passages come as are asked for."""
    await publish(corpus, ALICE, ["Platypus."] * 400, near(*[0.9] * 400))
    others = [f"Platypus and {word}." for word in ("hail", "wind", "fire", "theft")]
    await publish(corpus, ALICE, others, near(0.5, 0.4, 0.3, 0.2))
    found = await ask(corpus, ALICE, question("platypus", mode))
    assert found[0].text == "Platypus."
    assert {each.text for each in found[1:]} == set(others)


async def test_copies_that_no_ranking_holds_are_named(
    corpus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Copies are found by their content too: some are named, each once, and all are counted."""
    monkeypatch.setattr(cited_passages, "MOST_COPIES", 60)
    forms = [await publish(corpus, ALICE, [CLAUSE], content="same") for _ in range(80)]
    await publish(corpus, BOB, [CLAUSE], content="same")
    for n in range(30):
        await publish(corpus, ALICE, [f"Vessels of kind {n}."])
    [found, *_] = await ask(corpus, ALICE, question("platypus exclusion", SearchMode.TEXT))
    assert found.copy_count == 79
    named = [each.document_id for each in found.copies]
    assert len(named) == len(set(named)) == 60
    assert set(named) <= set(forms) - {found.document_id}


async def test_copies_are_those_that_the_search_may_find(corpus: Database) -> None:
    """A copy outside of the filter is not named."""
    await publish(corpus, ALICE, [CLAUSE], tags=["home"], content="same")
    boat = await publish(corpus, ALICE, [CLAUSE], tags=["boat"], content="same")
    asked = replace(question("platypus exclusion"), tags=("boat",))
    [found] = await ask(corpus, ALICE, asked)
    assert (found.document_id, found.copies) == (boat, ())


async def test_rare_copies_cost_no_second_ranking(
    corpus: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where enough different passages are among the candidates, each ranking is asked once."""
    asked_for: list[int] = []
    original = distinct_passages._distinct

    async def watched(connection: object, vectors: list[object], words: list[object]) -> object:
        asked_for.append(max(len(vectors), len(words)))
        return await original(connection, vectors, words)  # type: ignore[arg-type]

    monkeypatch.setattr(distinct_passages, "_distinct", watched)
    texts = [f"Platypus number {n}." for n in range(60)]
    await publish(corpus, ALICE, [*texts, "Platypus number 1.", "Platypus number 2."])
    assert len(await ask(corpus, ALICE, question("platypus"))) == 5
    assert asked_for == [50]


@ANY_MODE
async def test_a_longer_answer_begins_as_a_shorter_one(corpus: Database, mode: SearchMode) -> None:
    """Which copy stands for a passage does not hang on how many passages are asked for."""
    for n in range(12):
        await publish(corpus, ALICE, [f"Platypus {n % 4}."] * 6, near(*[0.9 - n / 50] * 6))
    longer = await ask(corpus, ALICE, question("platypus", mode, limit=60))
    shorter = await ask(corpus, ALICE, question("platypus", mode, limit=2))
    assert [each.chunk_id for each in longer][:2] == [each.chunk_id for each in shorter]
    assert len(longer) == 4
