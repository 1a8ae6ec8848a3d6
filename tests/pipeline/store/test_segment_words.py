"""Posting lists made from what Postgres sends are those that a plain loop makes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.store.segment_words import SegmentWords, stored_ordinals

_WORD = st.text("abä保'\\7", min_size=1, max_size=30).map(str.encode)
_PLACES = st.one_of(st.integers(0, 3), st.just(300))
_CHUNK = st.dictionaries(_WORD, _PLACES, max_size=8)


def sent(chunk: dict[bytes, int]) -> bytes:
    """What `tsvectorsend` gives for these words with so many places each."""
    lexemes = (
        word + b"\0" + b"".join(number.to_bytes(2, "big") for number in (count, *range(count)))
        for word, count in sorted(chunk.items())
    )
    return len(chunk).to_bytes(4, "big") + b"".join(lexemes)


@settings(max_examples=60, deadline=None)
@given(st.lists(_CHUNK, max_size=20), st.integers(1, 7))
def test_lists_are_those_of_a_plain_loop(chunks: list[dict[bytes, int]], page: int) -> None:
    """Of any words, short and long, over any pages; words without a place are left out."""
    words = SegmentWords()
    for start in range(0, len(chunks), page):
        words.add([sent(chunk) for chunk in chunks[start : start + page]])
    expected: dict[bytes, list[tuple[int, int]]] = defaultdict(list)
    for ordinal, chunk in enumerate(chunks):
        for word, places in chunk.items():
            if places:
                expected[word].append((ordinal, min(places, 255)))
    assert words.lengths == [len(chunk) for chunk in chunks]
    assert list(words.lists()) == [
        (
            word,
            stored_ordinals(np.array([ordinal for ordinal, _ in places])),
            bytes(count ^ 0x80 for _, count in places),
        )
        for word, places in sorted(expected.items())
    ]
