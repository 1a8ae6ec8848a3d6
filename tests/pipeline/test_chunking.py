"""Chunks: true to the text, sized in tokens, stable under edits, linear in the input."""

from __future__ import annotations

import random
import time
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.chunking import ChunkerOptions, chunk_document, chunker_version
from pipeline.chunking.left_out import left_out
from pipeline.documents import Chunk, ParsedDocument, ParsedPage
from pipeline.errors import ConfigurationError
from pipeline.text import normalize
from pipeline.tokens import Tokenizer, tokenizer

CL100K = tokenizer("cl100k_base")
WORDLLAMA = tokenizer("wordllama")
DEFAULT = ChunkerOptions()
SMALL = ChunkerOptions(max_tokens=48, overlap_tokens=12)

PIECES = st.sampled_from(
    [
        "# Policy\n",
        "## Coverage\n\n",
        "### Water damage ###\n",
        "Limits\n======\n",
        "Dental\n---\n",
        "The plan pays 80 % of eligible charges. You pay the rest, e.g. coinsurance. ",
        "The following are excluded:\n",
        "- acupuncture\n- hearing aids\n  and their batteries\n",
        "1. Call us.\n2. Send the form!\n",
        "| Service | You pay |\n|---|---|\n| Visit | $20 |\n",
        "| Surgery | 20% after deductible |\n",
        "Fees in dollars\n\n| Code | Fee |\n|---|---|\n" + "| D1032 | $42 |\n" * 9,
        "<table><tr><th>Code</th><th>Fee</th></tr>\n<tr><td>D1</td><td>$2</td></tr></table>\n",
        "| " + "a long cell of a row " * 20 + "| $1 |\n",
        "![x](data:image/png;base64," + "iVBORw0KGgo" * 9 + ") ",
        "\u00a0\u2019s \u201ccover\u201d non\u2011network \uff21\u00b9\u00bd\u200b",
        "Page 3 of 10\n",
        "```\ncode = 1\n```\n",
        "```\nopen\n",
        "<table>\n<tr><td>Premium</td></tr></table>\n",
        "保险单承保人。被保险人须支付保费。",
        "وثيقة التأمين تغطي الأضرار. ",
        "👩‍👩‍👧 e\u0301\u0323 ﬁ ",
        "\n",
        "\n\n",
        "   ",
        "\t",
        "~~~\n",
        "x" * 200,
        "[1] <|endoftext|> </s> ",
        "A sentence without an end that goes on and on " * 3,
        "---\n",
        "#",
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=12), max_size=30).map(lambda p: normalize("".join(p))[0])
OPTIONS = st.builds(
    ChunkerOptions, max_tokens=st.integers(32, 120), overlap_tokens=st.integers(0, 10)
)


def document(*pages: str, paged: bool = False) -> ParsedDocument:
    parsed = tuple(ParsedPage(number, text) for number, text in enumerate(pages, 1))
    return ParsedDocument(parsed, paged, "test-1", "test")


def chunked(text: str, options: ChunkerOptions = DEFAULT) -> list[Chunk]:
    return chunk_document(document(text), options, CL100K)


def prose(seed: int, paragraphs: int) -> list[str]:
    rng = random.Random(seed)
    words = str.split(
        "the plan member pays deductible premium covered services excluded unless approved claim "
        "hospital network provider limit year of in and for under section notice benefit annual"
    )

    def sentence() -> str:
        return " ".join(rng.choices(words, k=rng.randint(6, 20))).capitalize() + "."

    return [" ".join(sentence() for _ in range(rng.randint(1, 5))) for _ in range(paragraphs)]


def check(parsed: ParsedDocument, chunks: list[Chunk], limit: int, model: Tokenizer) -> None:
    """Everything that is promised of any document's chunks."""
    covered = bytearray(len(parsed.text))
    for ordinal, chunk in enumerate(chunks):
        assert chunk.ordinal == ordinal
        assert chunk.text == parsed.text[chunk.start : chunk.end]
        assert chunk.text.strip()
        covered[chunk.start : chunk.end] = b"\1" * (chunk.end - chunk.start)
    for start, end in left_out(parsed.text):
        covered[start:end] = b"\1" * (end - start)
    lost = {c for c, seen in zip(parsed.text, covered, strict=True) if not seen}
    assert not "".join(lost).strip()
    assert all(one.start < two.start and one.end < two.end for one, two in pairwise(chunks))
    exact = model.count([chunk.embedding_text for chunk in chunks])
    assert all(count <= limit for count in exact)
    assert all(0 <= chunk.tokens - n <= 2 for chunk, n in zip(chunks, exact, strict=True))
    assert max((chunk.tokens for chunk in chunks), default=0) <= limit
    seen: Counter[str] = Counter()
    for chunk in chunks:
        assert chunk.occurrence == seen[chunk.sha256]
        seen[chunk.sha256] += 1


@pytest.mark.parametrize("model", [CL100K, WORDLLAMA], ids=lambda model: model.name)
@given(pages=st.lists(TEXTS, min_size=1, max_size=3), options=OPTIONS)
@settings(deadline=None, max_examples=150)
def test_any_document_keeps_every_promise(
    model: Tokenizer, pages: list[str], options: ChunkerOptions
) -> None:
    """Offsets rebuild the text, nothing is lost, sizes and counts are true, twice is the same."""
    parsed = document(*pages, paged=True)
    chunks = chunk_document(parsed, options, model)
    check(parsed, chunks, options.max_tokens, model)
    assert chunk_document(document(*pages, paged=True), options, model) == chunks


@pytest.mark.parametrize("text", ["", " \n\n\t ", "\n" * 500])
def test_a_document_without_words_has_no_chunks(text: str) -> None:
    """White space alone makes no chunk."""
    assert chunked(text) == []


def test_a_chunk_is_a_section_with_its_headings() -> None:
    """Each section is one chunk under its path, and the heading's line is part of its text."""
    chunks = chunked(
        "# Plan\n\nIntro.\n\n## Dental\n\nTeeth.\n\nVision\n---\nEyes.\n\n# Claims\nCall."
    )
    assert [(chunk.heading_path, chunk.text) for chunk in chunks] == [
        (("Plan",), "# Plan\n\nIntro."),
        (("Plan", "Dental"), "## Dental\n\nTeeth."),
        (("Plan", "Vision"), "Vision\n---\nEyes."),
        (("Claims",), "# Claims\nCall."),
    ]


def test_a_bare_heading_joins_what_follows_under_what_is_above_both() -> None:
    """A parent's heading goes with its first child; a neighbor's only with the shared path."""
    parent = chunked("# Plan\n\n## Dental\n\nTeeth.")
    neighbor = chunked("# Acme\n\n# Plan\n\nIntro.")
    assert [(c.heading_path, c.text) for c in parent] == [
        (("Plan", "Dental"), "# Plan\n\n## Dental\n\nTeeth.")
    ]
    assert [(c.heading_path, c.text) for c in neighbor] == [((), "# Acme\n\n# Plan\n\nIntro.")]


def test_headings_in_code_are_no_headings() -> None:
    """A # inside a fence starts no section, and a fence left open ends with its page."""
    parsed = document("# A\n\n```\n# not one\n```\n\ntext", "```\n# open", "# B\n\ntext")
    paths = [chunk.heading_path for chunk in chunk_document(parsed, DEFAULT, CL100K)]
    assert paths == [("A",), ("B",)]


def test_a_long_heading_path_is_shortened_from_outside() -> None:
    """The innermost headings that fit in a third of the chunk are kept, the last is cut."""
    outer, inner = "Outer words " * 10, "Inner"
    [chunk] = chunked(f"# {outer}\n\n## {inner}\n\nText.", ChunkerOptions(64, 10))
    assert chunk.heading_path == ("Inner",)
    [cut] = chunked(f"# {outer}\n\nText.", ChunkerOptions(64, 10))
    assert outer.startswith(cut.heading_path[0])
    assert 0 < len(cut.heading_path[0]) < len(outer)


@pytest.mark.parametrize(
    "block",
    [
        "| Service | Cost |\n|---|---|\n" + "| Visit to a doctor | $20 |\n" * 8,
        "Service | Cost\n--- | ---\n" + "Visit to a doctor | $20\n" * 9,
        "- one thing that is excluded\n" * 14,
        "- loose item\n\n" * 14 + "  its second paragraph",
        "```\n" + "premium = base * factor\n" * 10 + "```",
    ],
)
@pytest.mark.parametrize("before", range(0, 12, 3))
def test_a_table_list_or_fence_that_fits_is_never_torn(block: str, before: int) -> None:
    """Whatever stands before it, it is whole in one chunk."""
    text = "\n\n".join([*prose(before, before), block.strip(), *prose(99, 6)])
    chunks = chunked(text, ChunkerOptions(160, 20))
    assert len(chunks) > 1
    assert any(block.strip() in chunk.text for chunk in chunks)


def test_a_table_too_long_is_split_between_rows_and_its_header_keeps_a_row() -> None:
    """Chunks of a long table begin and end with whole rows."""
    rows = [f"| Service number {n} | ${n} | after deductible |" for n in range(60)]
    text = "\n".join(["| Service | Cost | Note |", "|---|---|---|", *rows])
    chunks = chunked(text, ChunkerOptions(120, 20))
    assert len(chunks) > 5
    assert rows[0] in chunks[0].text
    for chunk in chunks:
        assert all(line.startswith("|") and line.endswith("|") for line in chunk.text.split("\n"))


def test_an_introduction_stays_with_its_list() -> None:
    """A paragraph that ends with a colon does not end a chunk when a list follows."""
    excluded = "The following are excluded:\n\n" + "- some service that is not covered\n" * 8
    for before in range(1, 14):
        text = "\n\n".join([*prose(before, before), excluded, *prose(98, 4)])
        for chunk in chunked(text, ChunkerOptions(200, 20)):
            assert not chunk.text.endswith("excluded:")


def test_a_long_paragraph_is_split_at_sentences_and_repeats_whole_ones() -> None:
    """Each chunk begins and ends with a sentence; the overlap is within its limit."""
    text = " ".join(prose(5, 40))
    chunks = chunked(text, ChunkerOptions(128, 40))
    for one, two in pairwise(chunks):
        assert one.text.endswith(".")
        assert two.text[0].isupper()
        repeated = text[two.start : one.end]
        assert CL100K.count([repeated])[0] <= 40
    assert any(two.start < one.end for one, two in pairwise(chunks))


def test_sections_do_not_overlap() -> None:
    """Nothing is repeated from one section to the next."""
    text = "\n\n".join(f"## Section {n}\n\n{paragraph}" for n, paragraph in enumerate(prose(3, 20)))
    assert all(one.end <= two.start for one, two in pairwise(chunked(text, SMALL)) if
               one.heading_path != two.heading_path)  # fmt: skip


def test_pages_are_named_when_the_document_has_pages() -> None:
    """A chunk says on which pages it stands; a format without pages says none."""
    pages = ("# A\n\nOne.", "", "Three goes on.", "# B\n\nFour.")
    chunks = chunk_document(document(*pages, paged=True), DEFAULT, CL100K)
    assert [(c.page_first, c.page_last) for c in chunks] == [(1, 3), (4, 4)]
    plain = chunk_document(document(*pages), DEFAULT, CL100K)
    assert {(c.page_first, c.page_last) for c in plain} == {(None, None)}


def test_an_edit_in_one_section_leaves_the_others_alone() -> None:
    """Only chunks of the edited section change."""
    sections = [f"## Part {n}\n\n" + "\n\n".join(prose(n, 15)) for n in range(8)]
    before = {chunk.sha256 for chunk in chunked("\n\n".join(sections))}
    sections[3] += "\n\nOne more paragraph with something new in it."
    changed = [c for c in chunked("\n\n".join(sections)) if c.sha256 not in before]
    assert changed
    assert {chunk.heading_path for chunk in changed} == {("Part 3",)}


@pytest.mark.parametrize("place", range(5, 195, 10))
@pytest.mark.parametrize(
    "edit", [lambda p: p + " It was edited.", lambda p: "A new start.", lambda p: ""],
    ids=["grown", "replaced", "deleted"],
)  # fmt: skip
def test_an_edited_paragraph_changes_only_its_neighbors(place: int, edit: object) -> None:
    """In a long text without headings, one edited paragraph changes a few chunks near it.

    Those of the span between two anchors, three at most; of the next one, when an anchor moved;
    and what repeats their ends.
    """
    assert callable(edit)
    paragraphs = prose(7, 200)
    before = {chunk.sha256 for chunk in chunked("\n\n".join(paragraphs))}
    paragraphs[place] = edit(paragraphs[place])
    after = chunked("\n\n".join(paragraphs))
    changed = sum(chunk.sha256 not in before for chunk in after)
    assert 0 < changed <= 6
    assert len(after) > 30


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "\n",
        " ",
        "#",
        "|",
        "-",
        "*",
        "# a\n",
        "|\n",
        "```\n",
        "a\n\n",
        "| a | b |\n|---|---|\n",
        "1.1. A\n",
        "<table>",
        "![](data:",
        *(
            pytest.param(unit, marks=pytest.mark.long)
            for unit in (
                "`",
                ".",
                "<",
                "保",
                "👩‍👧",
                "e\u0323",
                "word ",
                "- a\n",
                ". ",
                "ب",
                " \n",
                "a|b\n",
                "a\n---\n",
                "# #",
                "\u200d",
                "data:a/b,",
                "| a ",
                "\u00b9",
                "means ",
            )
        ),
    ],
)
def test_time_is_linear_in_the_length_of_any_repetition(unit: str) -> None:
    """Eight times the text takes nowhere near 64 times the work, and every promise holds."""

    def seconds(size: int) -> float:
        parsed = document(unit * (size // len(unit)))
        began = time.process_time()
        chunks = chunk_document(parsed, DEFAULT, CL100K)
        spent = time.process_time() - began
        check(parsed, chunks, DEFAULT.max_tokens, CL100K)
        return spent

    # The processor's own time, the best of three: a busy machine may treble a single one.
    small = min(seconds(30_000) for _ in range(3))
    large = min(seconds(240_000) for _ in range(2))
    assert large < 0.3 + 30 * small


def test_a_letter_and_its_marks_are_not_parted() -> None:
    """Cutting a text without spaces keeps emoji sequences and combining marks whole."""
    for cluster in ("👩\u200d👧", "e\u0323\u0301"):
        for chunk in chunked(cluster * 2000):
            assert chunk.text == cluster * (len(chunk.text) // len(cluster))


def test_the_version_names_everything_that_decides_the_cuts() -> None:
    """Name, sizes and tokenizer are in the version, so a change of any makes new chunk ids."""
    assert chunker_version(DEFAULT, "cl100k_base") == "markdown-3:400/50:cl100k_base"


@pytest.mark.parametrize("sizes", [(10, 0), (400, 399), (400, -1)])
def test_impossible_sizes_are_a_configuration_error(sizes: tuple[int, int]) -> None:
    """Sizes that leave no room for text are refused at once."""
    with pytest.raises(ConfigurationError):
        ChunkerOptions(*sizes)
