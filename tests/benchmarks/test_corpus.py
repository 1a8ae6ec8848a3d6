"""The benchmark's corpus and its floor."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg

from benchmarks import floor
from benchmarks.corpus import LONGEST, SHORTEST, document, edit_paragraph, write_corpus
from benchmarks.servers import endpoint
from pipeline.chunk_sizes import RECOMMENDED, ChunkSizes


def test_the_same_number_gives_the_same_document() -> None:
    """A document depends on its number and the seed only, and has 4 to 12 kB."""
    documents = [document(number) for number in range(50)]
    assert documents == [document(number) for number in range(50)]
    assert len(set(documents)) == 50
    assert all(SHORTEST <= len(text.encode()) <= LONGEST for text in documents)


def test_an_edit_changes_one_paragraph(tmp_path: Path) -> None:
    """An edited document differs from what it was in exactly one paragraph."""
    [path] = write_corpus(tmp_path, 1)
    before = path.read_text().split("\n\n")
    edit_paragraph(path, "7")
    after = path.read_text().split("\n\n")
    assert len(before) == len(after)
    assert sum(a != b for a, b in zip(before, after, strict=True)) == 1


def test_the_windows_of_the_floor_overlap_and_lose_nothing() -> None:
    """Each window is as large as our chunks, repeats as much, and the last ends the text."""
    text = document(3)
    splitter = floor.Splitter()
    windows = list(splitter.windows(text))
    assert windows[0] == text[: len(windows[0])]
    assert text.endswith(windows[-1])
    tokens = sum(len(splitter.tokens(window)) for window in windows)
    whole = len(splitter.tokens(text))
    assert ChunkSizes(floor.CHUNK_TOKENS, floor.OVERLAP_TOKENS) == RECOMMENDED
    assert tokens == whole + floor.OVERLAP_TOKENS * (len(windows) - 1)


def test_the_floor_stores_every_window(tmp_path: Path, database_url: str) -> None:
    """The floor's table holds a row with a vector for each window of each file."""
    files = write_corpus(tmp_path, 4)
    with endpoint(latency=0) as mock:
        model = "text-embedding-3-small"
        chunks = asyncio.run(floor.run(files, database_url, mock.openai_url, model))
        assert mock.stats()["inputs"] == chunks
    with psycopg.connect(database_url) as connection:
        [row] = connection.execute("SELECT count(*), min(vector_dims(embedding)) FROM floor")
    assert row == (chunks, 1536)
