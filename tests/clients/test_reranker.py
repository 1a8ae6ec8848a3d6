"""A cross-encoder from a folder orders passages by what it reads in question and passage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clients.local.reranker import cross_encoder
from pipeline.errors import ConfigurationError
from tests.clients.tiny_models import LONGEST, cross_encoder_folder, gather_model, tokenizer


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that counts the words that question and passage share."""
    return cross_encoder_folder(tmp_path_factory.mktemp("models") / "shared-words")


def test_scores_are_of_each_pair_and_between_nothing_and_certainty(folder: Path) -> None:
    """Each passage is read with the question, in the order given, over several batches."""
    passages = ["flood", "hail roof covered", "cancel", "the roof"] * 5
    scores = cross_encoder(folder).scores("is the hail roof covered", passages)
    shared = np.array([0, 3, 0, 2] * 5)
    np.testing.assert_allclose(scores, 1 / (1 + np.exp(-shared)), atol=1e-6)


def test_of_a_long_passage_the_beginning_is_read(folder: Path) -> None:
    """A passage that is longer than the model reads is ranked by its beginning."""
    model = cross_encoder(folder)
    assert model.max_tokens == LONGEST
    early, late = model.scores("hail", ["hail " + "the " * 500, "the " * 500 + "hail"])
    assert early > late


def test_a_model_of_vectors_ranks_nothing(tmp_path: Path) -> None:
    """A folder of an embedder is refused in one sentence."""
    (tmp_path / "model.onnx").write_bytes(gather_model(np.eye(12, 3, dtype=np.float32)))
    tokenizer(tmp_path / "tokenizer.json")
    with pytest.raises(ConfigurationError, match="makes vectors"):
        cross_encoder(tmp_path)
