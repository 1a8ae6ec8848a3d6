"""Pictures that are written into a text as data are in no chunk."""

from __future__ import annotations

import time

import pytest

from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.chunking.left_out import left_out
from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.tokens import tokenizer

DATA = "data:image/png;base64," + "iVBORw0KGgo" * 20


def without(text: str) -> str:
    """A text with a mark for each span that is left out."""
    for start, end in reversed(left_out(text)):
        text = text[:start] + "@" + text[end:]
    return text


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        (f"a ![x]({DATA}) b", "a @ b"),
        (f"![]({DATA})", "@"),
        (f"![Premiums by year]({DATA}) b", "![Premiums by year@ b"),
        (f'![x]({DATA} "A seal") b', "@ b"),
        (f'a <img alt="x" src="{DATA}" width="3"/> b', "a @ b"),
        (f"| a | ![]({DATA}) | b |", "| a | @ | b |"),
        (f"see {DATA} there", "see @ there"),
        ("see data:image/png;base64,AAAA there", "see data:image/png;base64,AAAA there"),
        ("the data: a list of 64 words", "the data: a list of 64 words"),
        (f"![x]({DATA.replace('image/png', 'image/svg+xml')})", "@"),
    ],
)
def test_pictures_are_found_in_every_form(text: str, rest: str) -> None:
    """In Markdown, in HTML, in a table's cell; what describes them stays, and so do short ones."""
    assert without(text) == rest


def test_no_word_beside_a_picture_is_lost() -> None:
    """Words before and after it, on its line and below, are in chunks; the data is in none."""
    text = f"# A\n\nOne ![x]({DATA}) two ![y]({DATA})\nthree\n\n```\n{DATA}\n```\n\n# B\n\nfour"
    parsed = ParsedDocument((ParsedPage(1, text),), False, "test-1", "test")
    chunks = chunk_document(parsed, ChunkerOptions(), tokenizer("cl100k_base"))
    words = " ".join(chunk.text for chunk in chunks)
    assert [word for word in ("One", "two", "three", "four") if word not in words] == []
    assert "base64" not in words
    assert chunks[-1].heading_path == ("B",)


@pytest.mark.parametrize(
    "unit",
    [
        "data:",
        "![](data:",
        "<img ",
        "<img src=data:a/b,",
        "data:a/b," + "a" * 64,
        "data:a/b;c;d;e,",
    ],
)
def test_the_time_is_linear(unit: str) -> None:
    """No beginning of a picture that is none makes it slow."""

    def seconds(size: int) -> float:
        began = time.process_time()
        left_out(unit * (size // len(unit)) + "data:")
        return time.process_time() - began

    assert seconds(400_000) < 0.3 + 30 * min(seconds(50_000) for _ in range(3))
