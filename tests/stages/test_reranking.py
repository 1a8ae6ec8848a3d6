"""The best passages are read again by a cross-encoder."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from pipeline.errors import UsageError
from pipeline.settings import Settings
from pipeline.store.search import Passage
from stages.reranking import CANDIDATES, reranked, reranker_of
from tests.clients.tiny_models import cross_encoder_folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that counts shared words."""
    return cross_encoder_folder(tmp_path_factory.mktemp("models") / "shared-words")


def passage(text: str, context: str = "") -> Passage:
    """A passage as search finds it."""
    return Passage(
        score=0.5, document_id=uuid4(), source="s", name="n", page_first=None, page_last=None,
        heading_path=[], text=text, chunk_id=uuid4(), similarity=None, vector_rank=None,
        text_rank=None, context=context, role="other",
    )  # fmt: skip


async def test_what_answers_comes_first_with_its_score(folder: Path) -> None:
    """The model orders passages, reads a table's columns too, and the limit holds."""
    found = [passage("cancel"), passage("hail"), passage("500", context="hail roof")]
    ordered = await reranked("hail on the roof", found, folder, limit=2)
    assert [(each.text, each.context) for each in ordered] == [("500", "hail roof"), ("hail", "")]
    assert ordered[0].rerank_score is not None
    assert ordered[1].rerank_score is not None
    assert ordered[0].rerank_score > ordered[1].rerank_score


async def test_only_the_best_are_read_again(folder: Path) -> None:
    """What comes after the candidates keeps its place, without a score."""
    found = [*(passage("cancel") for _ in range(CANDIDATES)), passage("hail")]
    ordered = await reranked("hail", found, folder, limit=100)
    assert ordered[-1] is found[-1]
    assert all(each.rerank_score is not None for each in ordered[:CANDIDATES])
    assert await reranked("hail", [], folder, limit=5) == []


def test_without_a_model_the_refusal_says_what_to_install(tmp_path: Path) -> None:
    """Asking for what is not installed is told with the way to it."""
    with pytest.raises(UsageError) as caught:
        reranker_of(Settings(home=tmp_path))
    assert "navigator models install" in caught.value.remedy
    assert reranker_of(Settings(home=tmp_path, reranker_folder=tmp_path)) == tmp_path
