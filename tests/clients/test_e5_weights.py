"""The packed model is read into the weights and pieces that were packed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from clients.local.bert_model import bert_model
from clients.local.e5_weights import e5_tokenizer, read_packed
from clients.local.embedders import OnnxEmbedder
from tests.clients.tiny_models import LONGEST, PACKED_WIDTH, SHAPE, bert_weights, packed_e5

WEIGHTS = bert_weights(width=PACKED_WIDTH)


def test_weights_are_read_back() -> None:
    """Every weight has its name and shape again, and is off by no more than four bits allow."""
    model = read_packed(packed_e5(WEIGHTS))
    assert (model.shape.layers, model.shape.heads) == (SHAPE.layers, SHAPE.heads)
    assert model.max_tokens == LONGEST
    assert model.weights.keys() == WEIGHTS.keys()
    for name, right in WEIGHTS.items():
        assert model.weights[name].shape == right.shape, name
        step = np.abs(right).max() / 7
        np.testing.assert_allclose(model.weights[name], right, atol=0.6 * step, err_msg=name)


async def test_it_embeds_with_what_it_was_trained_with_before_each_text(tmp_path: Path) -> None:
    """The tokenizer folds text, and puts `query:` before it; the model that is made embeds."""
    model = read_packed(packed_e5(WEIGHTS))
    words = e5_tokenizer(model)
    assert words.encode("hail\u200b  roof").tokens == [
        "<s>", "▁", "query", ":", "▁hail", "▁roof", "</s>",
    ]  # fmt: skip
    assert words.encode("e\u0301").tokens[-2] == "é"
    (tmp_path / "model.onnx").write_bytes(bert_model(model.weights, model.shape))
    words.save(str(tmp_path / "tokenizer.json"))
    answer = await OnnxEmbedder(tmp_path).embed(["hail", "roof"])
    assert answer.vectors.shape == (2, PACKED_WIDTH)


@pytest.mark.parametrize("kept", [3, 40, 200, -1])
def test_what_is_cut_off_is_no_model(kept: int) -> None:
    """A file that ends early is refused wherever it ends."""
    with pytest.raises(ValueError, match=r"E5S1|cut off"):
        read_packed(packed_e5(WEIGHTS)[:kept])
