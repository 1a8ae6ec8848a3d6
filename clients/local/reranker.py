"""Orders passages by a cross-encoder: an ONNX model that reads question and passage together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from clients.local.onnx_model import OnnxModel, onnx_model
from pipeline.errors import ConfigurationError

BATCH = 8
_LARGEST = 40.0
"""Beyond it the logistic function is 0 or 1, and its power would overflow."""


@dataclass(frozen=True, slots=True)
class CrossEncoder:
    """A loaded cross-encoder."""

    model: OnnxModel

    @property
    def max_tokens(self) -> int:
        """Of question and passage together; of what is longer the end is not read."""
        return self.model.max_tokens

    def scores(self, question: str, passages: Sequence[str]) -> NDArray[np.float32]:
        """How well each passage answers, between 0 and 1."""
        pairs = [(question, passage) for passage in passages]
        encodings = self.model.tokenizer.encode_batch(pairs)
        logits = np.empty(len(passages), dtype=np.float32)
        order = sorted(range(len(encodings)), key=lambda row: len(encodings[row].ids))
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            logits[rows] = self.model.outputs([encodings[row] for row in rows])[:, 0]
        return np.asarray(1 / (1 + np.exp(-np.clip(logits, -_LARGEST, _LARGEST))), np.float32)


@cache
def cross_encoder(folder: Path) -> CrossEncoder:
    """Load the cross-encoder of a folder, once a process.

    Raises:
        ConfigurationError: a file is missing or damaged, or the model makes vectors.
    """
    model = onnx_model(folder)
    if model.dimension != 1:
        raise ConfigurationError(
            "The model of NAVIGATOR_RERANKER_FOLDER makes vectors and ranks nothing.",
            remedy="Name a folder with a cross-encoder of one output.",
        )
    # The end of a long passage is not read, rather than the passage not be ranked.
    model.tokenizer.enable_truncation(model.max_tokens)
    return CrossEncoder(model)
