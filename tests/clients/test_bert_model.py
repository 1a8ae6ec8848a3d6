"""The ONNX model that is made of a BERT encoder's weights computes what the encoder computes."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from clients.local.bert_model import LARGEST, Weights, bert_model, quantized
from clients.local.embedders import OnnxEmbedder
from clients.local.onnx_model import onnx_model
from tests.clients.tiny_models import SHAPE, WIDTH, bert_weights, tokenizer

Array = NDArray[np.float32]
TEXTS = ["hail on the roof", "is flood covered", "cancel", "glass roof glass roof glass roof"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model of weights that were never trained."""
    path = tmp_path_factory.mktemp("models") / "tiny"
    path.mkdir()
    (path / "model.onnx").write_bytes(bert_model(bert_weights(), SHAPE))
    tokenizer(path / "tokenizer.json")
    return path


def _normal(x: Array, w: Weights, name: str) -> Array:
    mean, deviation = x.mean(-1, keepdims=True), x.std(-1, keepdims=True)
    whole: Array = (x - mean) / np.sqrt(deviation**2 + SHAPE.epsilon)
    return whole * w[f"{name}LayerNorm.weight"] + w[f"{name}LayerNorm.bias"]


def _dense(x: Array, w: Weights, name: str) -> Array:
    made: Array = x @ w[f"{name}.weight"].T + w[f"{name}.bias"]
    return made


def encoder(w: Weights, ids: list[int]) -> Array:
    """The encoder in whole precision, for one text: what the textbooks say."""
    table = w["embeddings.word_embeddings.weight"][ids]
    x = table + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = _normal(x + w["embeddings.token_type_embeddings.weight"][0], w, "embeddings.")
    for layer in range(SHAPE.layers):
        name, size = f"encoder.layer.{layer}.", WIDTH // SHAPE.heads
        q, k, v = (_dense(x, w, f"{name}attention.self.{p}") for p in ("query", "key", "value"))
        heads = []
        for head in range(SHAPE.heads):
            part = slice(head * size, (head + 1) * size)
            scores = np.exp(q[:, part] @ k[:, part].T / math.sqrt(size))
            heads.append(scores / scores.sum(-1, keepdims=True) @ v[:, part])
        out = _dense(np.concatenate(heads, -1), w, f"{name}attention.output.dense")
        x = _normal(out + x, w, f"{name}attention.output.")
        wide = _dense(x, w, f"{name}intermediate.dense")
        wide = wide * 0.5 * (1 + np.vectorize(math.erf)(wide / math.sqrt(2)))
        x = _normal(_dense(wide, w, f"{name}output.dense") + x, w, f"{name}output.")
    return x


async def test_vectors_are_those_of_the_encoder(folder: Path) -> None:
    """Eight-bit weights turn no vector by more than a little, in a batch with padding too."""
    ours = (await OnnxEmbedder(folder).embed(TEXTS)).vectors
    words = onnx_model(folder).tokenizer
    for text, vector in zip(TEXTS, ours, strict=True):
        right = encoder(bert_weights(), words.encode(text).ids).mean(0)
        assert float(vector @ (right / np.linalg.norm(right))) > 0.995


def test_the_same_weights_make_the_same_file() -> None:
    """Two machines that make the model are one embedding space."""
    assert bert_model(bert_weights(), SHAPE) == bert_model(bert_weights(), SHAPE)
    assert bert_model(bert_weights(), SHAPE) != bert_model(bert_weights(8), SHAPE)


@given(arrays(np.float32, (3, 5), elements=st.floats(-1e3, 1e3, width=32)), st.sampled_from([0, 1]))
def test_quantized_tables_stay_close(table: Array, axis: int) -> None:
    """Nothing is off by more than half a step, and no whole number needs more than seven bits."""
    whole, scales = quantized(table, axis)
    assert np.abs(whole).max() <= LARGEST
    assert (np.abs(whole * scales - table) <= scales * 0.5001).all()
