"""Every piece of a table says what its columns are."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.chunking.assessment import assess
from pipeline.documents import Chunk, ParsedDocument, ParsedPage
from pipeline.layout import Table
from pipeline.tokens import Tokenizer, tokenizer

CL100K = tokenizer("cl100k_base")
WORDLLAMA = tokenizer("wordllama")
SMALL = ChunkerOptions(max_tokens=120, overlap_tokens=20)
HEADER = ("Code", "Description", "Member pays")
COLUMNS = "Columns: Code | Description | Member pays"


def rows_of(first: int, count: int) -> list[tuple[str, ...]]:
    """Rows of a fee table."""
    return [(f"D1{n:03}", f"Dental procedure {n}", f"${n}") for n in range(first, first + count)]


def markdown(header: tuple[str, ...] | None, rows: Sequence[tuple[str, ...]]) -> str:
    """A table as Markdown; without a header the first row stands in its place, as parsers do it."""
    lines = ["| " + " | ".join(row) + " |" for row in (*([header] if header else []), *rows)]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines)


def document(*pages: str | ParsedPage, paged: bool = True) -> ParsedDocument:
    """A document with these pages."""
    made = [
        page if isinstance(page, ParsedPage) else ParsedPage(number, page)
        for number, page in enumerate(pages, 1)
    ]
    return ParsedDocument(tuple(made), paged, "test-1", "test")


def chunked(
    parsed: ParsedDocument, options: ChunkerOptions = SMALL, model: Tokenizer = CL100K
) -> list[Chunk]:
    """The chunks, whose counts are true and within the limit, and which rebuild the text."""
    chunks = chunk_document(parsed, options, model)
    exact = model.count([chunk.embedding_text for chunk in chunks])
    for chunk, tokens in zip(chunks, exact, strict=True):
        assert chunk.text == parsed.text[chunk.start : chunk.end]
        assert tokens <= options.max_tokens
        assert 0 <= chunk.tokens - tokens <= 2
    return chunks


def names_columns(chunk: Chunk) -> bool:
    """Whether a reader of the chunk knows what its columns are."""
    return COLUMNS in chunk.context or "| Code | Description | Member pays |" in chunk.text


@pytest.mark.parametrize("model", [CL100K, WORDLLAMA], ids=lambda model: model.name)
def test_later_pieces_of_a_table_have_its_columns_and_caption_beside_them(
    model: Tokenizer,
) -> None:
    """The first piece begins with the header and has nothing beside it; the text is not changed."""
    text = "# Fees\n\nAmounts in dollars.\n\n" + markdown(HEADER, rows_of(0, 60))
    first, *others = chunked(document(text, paged=False), SMALL, model)
    assert first.text.startswith("# Fees\n\nAmounts in dollars.\n\n| Code |")
    assert first.context == ""
    assert len(others) > 5
    assert {chunk.context for chunk in others} == {f"Amounts in dollars.\n{COLUMNS}"}
    assert all(chunk.text.startswith("| D1") for chunk in others)
    assert f"# Fees\n\n{others[0].context}".replace("# ", "") in others[0].embedding_text


def test_a_table_that_fits_needs_nothing_beside_it() -> None:
    """Its header is in its chunk, and the chunk is as large as it may be."""
    text = markdown(HEADER, rows_of(0, 6))
    [chunk] = chunked(document(text), ChunkerOptions(128, 0))
    assert (chunk.text, chunk.context) == (text, "")


def test_a_table_goes_on_over_pages_as_the_parser_says() -> None:
    """Rows on later pages have the header of the table's beginning, wherever it is printed."""
    pages = []
    for number, first in enumerate((0, 30, 60), 1):
        rows = rows_of(first, 30)
        text = markdown(HEADER if number == 1 else None, rows)
        table = Table(0, len(text), HEADER, tuple(rows), "Dental fees", number > 1)
        pages.append(ParsedPage(number, text, tables=(table,)))
    parsed = document(*pages)
    chunks = chunked(parsed)
    assert all(map(names_columns, chunks))
    assert all("Dental fees" in chunk.context for chunk in chunks)
    assert not any("D1030" in " ".join(chunk.heading_path) for chunk in chunks)
    assert assess(parsed, chunks).rows_without_columns == 0


def test_a_table_that_goes_on_without_a_header_has_that_of_its_beginning() -> None:
    """Where the parser knows that it goes on and not what its columns are, they are as before."""
    words = [("Hail", "covered by this plan", "yes")] * 20
    pages = [
        ParsedPage(1, text := markdown(HEADER, words), tables=(Table(0, len(text), HEADER, ()),))
    ]
    text = markdown(None, words)
    pages.append(ParsedPage(2, text, tables=(Table(0, len(text), (), (), "", True),)))
    chunks = chunked(document(*pages))
    assert chunks[-1].page_first == 2
    assert all(map(names_columns, chunks))
    assert not any("Columns: Hail" in chunk.context for chunk in chunks)


@pytest.mark.parametrize("named", [True, False])
def test_a_caption_is_no_chunk_of_its_own(named: bool) -> None:
    """It goes with the beginning of its table, whether the parser or its place says that it is."""
    caption = "Fees of dental procedures in the network of the plan"
    table = markdown(HEADER, rows_of(0, 60))
    text = f"# Fees\n\n{caption}\n\n{table}"
    start = text.index("| Code")
    known = Table(start, len(text), HEADER, (), caption)
    first, *_ = chunked(document(ParsedPage(1, text, tables=(known,) if named else ())))
    assert first.text.startswith(f"# Fees\n\n{caption}\n\n| Code |")
    assert first.context == ""


@pytest.mark.parametrize("between", ["", "\n\nPage 1 of 3"])
def test_a_table_goes_on_over_pages_by_its_looks(between: str) -> None:
    """A row of numbers in a header's place, right after a table with as many columns, is data."""
    first = markdown(HEADER, rows_of(0, 20)) + between
    chunks = chunked(document(first, markdown(None, rows_of(20, 20)), "After."))
    assert all(map(names_columns, chunks[:-1]))
    assert not any("Columns: D1020" in chunk.context for chunk in chunks)


@pytest.mark.parametrize(
    "second",
    [
        "Another text.\n\n" + markdown(None, rows_of(20, 20)),
        markdown(("Name", "Value"), [(f"N{n}", f"{n}") for n in range(20)]),
        markdown(("City", "State", "Zip"), [(f"C{n}", "NE", f"{n}") for n in range(20)]),
    ],
    ids=["text between", "other columns", "a header of its own"],
)
def test_another_table_has_its_own_columns(second: str) -> None:
    """After words, with another number of columns, or with a header that is one, it is another."""
    chunks = chunked(document(markdown(HEADER, rows_of(0, 20)), second))
    assert COLUMNS not in chunks[-1].context


def test_a_header_that_is_printed_again_is_a_header_again() -> None:
    """A page that repeats the header needs nothing beside the piece that begins with it."""
    table = markdown(HEADER, rows_of(0, 4))
    chunks = chunked(document(table, table), ChunkerOptions(64, 0))
    assert all(map(names_columns, chunks))


def test_a_row_too_long_is_cut_and_its_first_cell_stands_beside_the_rest() -> None:
    """Only a row that does not fit is cut, and a piece of it still says of what it is."""
    long = ("D1032", "a procedure that is described at length " * 60, "$42")
    text = markdown(HEADER, [("D1031", "short", "$1"), long, ("D1033", "short", "$2")])
    chunks = chunked(document(text))
    middle = [chunk for chunk in chunks if not chunk.text.startswith("|")]
    assert len(middle) > 2
    assert all(chunk.context == f"{COLUMNS}\nRow: D1032" for chunk in middle)
    [last] = [chunk for chunk in chunks if "D1033" in chunk.text]
    assert "$2" in last.text


def test_long_headers_are_shortened() -> None:
    """The names of many columns are cut before they take a third of a chunk."""
    header = tuple(f"Column {n} with a name that goes on and on and on" for n in range(12))
    rows = [tuple(f"v{n}{c}" for c in range(12)) for n in range(30)]
    chunks = chunked(document(markdown(header, rows)), ChunkerOptions(256, 0))
    context = chunks[-1].context
    assert context.startswith("Columns: Column 0")
    assert "…" in context
    assert CL100K.count([context])[0] <= (256 - 32) // 3


@pytest.mark.parametrize(
    "table",
    [
        "Service | You pay\n--- | ---\n" + "Visit to a doctor | $20\n" * 40,
        "|  |  |\n|---|---|\n| Service | You pay |\n" + "| Visit to a doctor | $20 |\n" * 40,
        "<table><tr><th>Service</th><th>You pay</th></tr>\n"
        + "<tr><td>Visit to a doctor</td><td>$20</td></tr>\n" * 40 + "</table>",
        "| **Service** | You&nbsp;pay |\n|---|---|\n".replace("&nbsp;", " ")
        + "| Visit to a doctor | $20 |\n" * 40,
    ],
    ids=["without borders", "empty header", "HTML", "bold"],
)  # fmt: skip
def test_headers_of_every_form_are_found(table: str) -> None:
    """Markdown without outer bars, an empty header row over the real one, HTML, marks in cells."""
    chunks = chunked(document(table))
    assert len(chunks) > 3
    assert {chunk.context for chunk in chunks[1:]} == {"Columns: Service | You pay"}


def test_rows_without_any_header_have_no_columns() -> None:
    """Nothing is made up where there is none."""
    chunks = chunked(document("| Visit to a doctor | $20 |\n" * 60))
    assert len(chunks) > 3
    assert {chunk.context for chunk in chunks} == {""}


def test_an_edit_in_a_table_changes_only_its_neighbors() -> None:
    """One changed row changes the chunks near it; the header beside the others is as it was."""
    rows = rows_of(0, 200)
    before = {chunk.sha256 for chunk in chunked(document(markdown(HEADER, rows)))}
    rows[100] = ("D1100", "Another procedure altogether", "$7")
    after = chunked(document(markdown(HEADER, rows)))
    assert 0 < sum(chunk.sha256 not in before for chunk in after) <= 6
    assert len(after) > 20


CELLS = st.text(st.sampled_from("ab 1$|\\\n-é\u00b9\ufb01"), max_size=30)


@given(
    pages=st.lists(
        st.lists(
            st.lists(CELLS, min_size=1, max_size=4).map(
                lambda row: "| " + " | ".join(row) + " |\n"
            ),
            max_size=12,
        ).map("".join),
        min_size=1,
        max_size=3,
    ),
    given_header=st.lists(CELLS, max_size=4).map(tuple),
    continues=st.booleans(),
    size=st.integers(32, 160),
)
@settings(deadline=None, max_examples=150)
def test_whatever_a_parser_says_of_tables_chunks_stay_true(
    pages: list[str], given_header: tuple[str, ...], continues: bool, size: int
) -> None:
    """Sizes and counts hold with any cells, any headers and any structure, right or wrong."""
    made = [
        ParsedPage(n, text, tables=(Table(0, len(text), given_header, (), "Cap", continues),))
        for n, text in enumerate(pages, 1)
    ]
    chunks = chunked(document(*made), ChunkerOptions(size, size // 6))
    assert all(one.start < two.start for one, two in pairwise(chunks))
