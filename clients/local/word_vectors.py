"""Gives words the vectors of the static model that comes with the program, and remembers them.

They judge how near the wording of a passage is to a question, whatever embeds the documents: no
text leaves this machine for it, and nothing is billed.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from threading import Lock

import numpy as np

from clients.embedder import Vectors
from clients.local.embedders import WORDLLAMA_DIMENSION, StaticModel, static_model

REMEMBERED = 16_384
"""Words: 16 MB of vectors."""
_LONGEST = 64
"""Characters of a word: of a longer one the beginning says enough."""


class StaticWordVectors:
    """Vectors of words: sums of the token vectors of each. Safe in any thread.

    Args:
        remembered: words whose vectors are kept; when they are more, all are forgotten.
    """

    def __init__(self, model: StaticModel, remembered: int = REMEMBERED) -> None:
        self._model, self._remembered = model, remembered
        self._rows: dict[str, int] = {}
        self._vectors = np.empty((1_024, WORDLLAMA_DIMENSION), dtype=np.float32)
        self._lock = Lock()

    def __call__(self, words: Sequence[str]) -> Vectors:
        """Vectors of words, shape (words, dimension), not of unit length; zeros for no token."""
        asked = [word[:_LONGEST] for word in words]
        with self._lock:
            if len(self._rows) + len(asked) > self._remembered:
                self._rows.clear()
            if new := [word for word in dict.fromkeys(asked) if word not in self._rows]:
                self._learn(new)
            return self._vectors[[self._rows[word] for word in asked]]

    def _learn(self, new: list[str]) -> None:
        size = len(self._rows) + len(new)
        if size > len(self._vectors):
            grown = np.empty((2 * size, WORDLLAMA_DIMENSION), dtype=np.float32)
            grown[: len(self._rows)] = self._vectors[: len(self._rows)]
            self._vectors = grown
        encoded = self._model.tokenizer.encode_batch_fast(new, add_special_tokens=False)
        embedding = self._model.embedding
        for word, each in zip(new, encoded, strict=True):
            row = len(self._rows)
            self._vectors[row] = embedding[np.minimum(each.ids, len(embedding) - 1)].sum(axis=0)
            self._rows[word] = row


@cache
def word_vectors() -> StaticWordVectors:
    """Those of this process; the model is loaded at the first call.

    Raises:
        ConfigurationError: the model's files are missing or damaged.
    """
    return StaticWordVectors(static_model())
