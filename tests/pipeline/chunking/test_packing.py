"""Small neighboring sections share a chunk: what is joined, what is not, what an edit changes."""

from __future__ import annotations

import random

from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.documents import Chunk, ParsedDocument, ParsedPage
from pipeline.tokens import tokenizer

CL100K = tokenizer("cl100k_base")
OPTIONS = ChunkerOptions(300, 30)


def chunked(text: str, options: ChunkerOptions = OPTIONS) -> list[Chunk]:
    """The chunks of a document of one page."""
    parsed = ParsedDocument((ParsedPage(1, text),), False, "test-1", "test")
    return chunk_document(parsed, options, CL100K)


def sentence(seed: int, words: int) -> str:
    """So many words, other ones for each seed."""
    chosen = random.Random(seed).choices(
        ["room", "garden", "window", "table", "river", "stone", "paper", "lamp"], k=words
    )
    return " ".join(chosen).capitalize() + f" {seed}."


def test_small_siblings_share_a_chunk_under_their_parent() -> None:
    """Their own headings stand in the text, the headings above all of them in the path."""
    text = "# Plan\n\n## Dental\n\nTeeth.\n\n## Vision\n\nEyes.\n\n## Hearing\n\nEars."
    [chunk] = chunked(text)
    assert (chunk.heading_path, chunk.text) == (("Plan",), text)


def test_a_small_section_goes_with_its_subsections() -> None:
    """Also of a parent with a neighbor too large to be joined."""
    small = "## Care\n\nNurses.\n\n### At home\n\nDaily.\n\n### Abroad\n\nWeekly."
    text = f"# Plan\n\n## Rooms\n\n{sentence(1, 150)}\n\n{small}"
    assert [(c.heading_path, c.text) for c in chunked(text)][1:] == [(("Plan", "Care"), small)]


def test_cousins_do_not_share_a_chunk() -> None:
    """A large part keeps its last subsection from the next part."""
    long = sentence(1, 150)
    text = f"# A\n\n{long}\n\n## Last of A\n\nEnd.\n\n# B\n\n{long}\n\n## First of B\n\nStart."
    assert [chunk.heading_path for chunk in chunked(text)] == [
        ("A",), ("A", "Last of A"), ("B",), ("B", "First of B"),
    ]  # fmt: skip


def test_an_exclusion_stays_apart_from_what_is_covered() -> None:
    """Sections of two roles are never one chunk, however small, and keep their roles."""
    text = (
        "# Plan\n\n## What is covered\n\nHail.\n\n## Covered services\n\nVisits.\n\n"
        "## Exclusions\n\nWar.\n\n## What is not covered\n\nFlood.\n\n## Definitions\n\nYou."
    )
    assert [(chunk.role, chunk.text.count("## ")) for chunk in chunked(text)] == [
        ("coverage", 2), ("exclusion", 2), ("definition", 1),
    ]  # fmt: skip


def test_joined_sections_have_a_third_of_a_chunk_at_most() -> None:
    """A section above it stays by itself, and none is cut to fill a chunk."""
    sections = [f"## Part {n}\n\n{sentence(n, 12 + 7 * (n % 5))}" for n in range(60)]
    chunks = chunked("\n\n".join(sections))
    assert len(chunks) < 40
    assert "\n\n".join(chunk.text for chunk in chunks) == "\n\n".join(sections)
    joined = [chunk for chunk in chunks if chunk.text.count("## ") > 1]
    assert joined
    assert all(chunk.tokens <= OPTIONS.max_tokens // 3 for chunk in joined)
    assert all(chunk.text.startswith("## ") for chunk in chunks)


def test_a_table_that_goes_on_keeps_its_columns_to_itself() -> None:
    """Rows whose columns are named on the page before are joined to nothing."""
    pages = (
        "# Fees\n\n| Service | Fee |\n|---|---|\n| Visit | $20 |\n| Scan | $90 |",
        "| Bed | $300 |\n| Meal | $9 |\n\n# Hours\n\nDaily.\n\n# Places\n\nTown.",
    )
    parsed = ParsedDocument(
        tuple(ParsedPage(n, text) for n, text in enumerate(pages, 1)), True, "test-1", "test"
    )
    for chunk in chunk_document(parsed, ChunkerOptions(48, 0), CL100K):
        assert not (chunk.context and "# Hours" in chunk.text)


def test_an_edit_of_a_small_section_changes_chunks_near_it_only() -> None:
    """Of forty chunks of small sections three or four are embedded again."""
    sections = [f"## Part {n}\n\n{sentence(n, 20 + n % 9)}" for n in range(120)]
    before = {chunk.sha256 for chunk in chunked("\n\n".join(sections))}
    assert len(before) >= 40
    for place in range(4, 120, 13):
        for edit in (
            sections[place] + " A new sentence stands here.",
            f"## New\n\n{sentence(999, 9)}",
            "",
        ):
            edited = [*sections[:place], *([edit] if edit else []), *sections[place + 1 :]]
            after = chunked("\n\n".join(edited))
            assert 0 < sum(chunk.sha256 not in before for chunk in after) <= 6
