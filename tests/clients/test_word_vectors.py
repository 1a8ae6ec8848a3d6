"""Word vectors of the model that comes with the program."""

from __future__ import annotations

import numpy as np

from clients.embedder import Vectors
from clients.local.embedders import WordLlamaEmbedder, static_model
from clients.local.word_vectors import StaticWordVectors


def unit(rows: Vectors) -> Vectors:
    """Each row divided by its length."""
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


async def test_a_words_vector_is_its_embedding() -> None:
    """The same direction; and of words together their sum's."""
    words = ["deductible", "hail", "x" * 30, "\u4fdd\u967a"]
    vectors = StaticWordVectors(static_model())
    embedded = (await WordLlamaEmbedder().embed(words)).vectors
    np.testing.assert_allclose(unit(vectors(words)), embedded, atol=2e-6)
    whole = (await WordLlamaEmbedder().embed(["hail damage roof"])).vectors
    together = vectors(["hail", "damage", "roof"]).sum(axis=0, keepdims=True)
    np.testing.assert_allclose(unit(together), whole, atol=2e-6)


def test_what_is_remembered_is_bounded_and_right() -> None:
    """More words than are kept: each call gives the right ones, also those it knew before."""
    few, all_of_them = StaticWordVectors(static_model(), 50), StaticWordVectors(static_model())
    words = [f"word{number}" for number in range(120)]
    for at in range(0, 120, 30):
        some = [*words[at : at + 30], "word3", "word3"]
        np.testing.assert_array_equal(few(some), all_of_them(some))
    assert len(few._rows) <= 50
    assert few([]).shape == (0, 256)
