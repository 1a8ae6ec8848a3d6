"""Sizes of chunks: what is set goes before what the installation remembers."""

from __future__ import annotations

import pytest

from pipeline.chunk_sizes import ChunkSizes, sizes_in_force, with_sizes
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings

REMEMBERED = ChunkSizes(400, 50)


@pytest.mark.parametrize(
    ("given", "sizes"),
    [
        ({}, (400, 50)),
        ({"chunk_tokens": 300}, (300, 50)),
        ({"chunk_tokens": 90}, (90, 30)),
        ({"chunk_overlap_tokens": 0}, (400, 0)),
        ({"chunk_tokens": 600, "chunk_overlap_tokens": 200}, (600, 200)),
    ],
)
def test_what_is_set_goes_first(given: dict[str, int], sizes: tuple[int, int]) -> None:
    """Each size comes from its setting, else from the installation; an overlap is fitted."""
    assert sizes_in_force(load_settings(**given), REMEMBERED) == ChunkSizes(*sizes)


def test_an_overlap_that_does_not_fit_is_refused() -> None:
    """An overlap that was set is never changed silently."""
    with pytest.raises(ConfigurationError, match="chunks have 400 tokens"):
        sizes_in_force(load_settings(chunk_overlap_tokens=134), REMEMBERED)


def test_settings_are_told_with_the_sizes_in_force() -> None:
    """What is compared between environments says what is done."""
    told = with_sizes(load_settings(), REMEMBERED)
    assert (told.chunk_tokens, told.chunk_overlap_tokens) == (400, 50)
