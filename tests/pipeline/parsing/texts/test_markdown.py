from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.chunking import ChunkerOptions, chunk_document
from pipeline.documents import ParsedDocument
from pipeline.notes import NoteKind
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from pipeline.tokens import tokenizer
from tests.growth import assert_linear


def document(text: str, kind: MediaType = MediaType.MARKDOWN) -> ParsedDocument:
    return parse_bytes(text.encode(), kind, ParseOptions())


def picture(size: int) -> str:
    return "data:image/png;base64," + base64.b64encode(b"\x07" * size).decode()


def test_front_matter_becomes_facts_and_readable_lines() -> None:
    """Title, number and date at the top of a file are facts, and lines that can be found."""
    found = document(
        "---\ntitle: Renters policy\npolicy_number: RP-5521\ndate: 2026-01-01\ntags: [a, b]\n"
        "insurer:\n  name: Example Mutual\n---\n\n# Renters policy\n\nText.\n"
    )
    assert found.facts == {
        "title": "Renters policy",
        "policy_number": "RP-5521",
        "date": "2026-01-01",
        "tags": "a, b",
        "insurer.name": "Example Mutual",
    }
    assert found.text.startswith("- title: Renters policy\n- policy_number: RP-5521\n- date: 2026")
    assert found.text.endswith("- insurer.name: Example Mutual\n\n# Renters policy\n\nText.\n")


def test_front_matter_in_toml() -> None:
    """Front matter between plus signs is TOML."""
    found = document('+++\ntitle = "Auto"\ndate = 2026-01-01\n+++\nText.')
    assert found.facts == {"title": "Auto", "date": "2026-01-01"}


@pytest.mark.parametrize(
    "text",
    [
        "---\n\nA rule above a paragraph.\n\n---\n",
        "---\n- a list\n- only\n---\ntext",
        "---\ntitle: [broken\n---\ntext",
        "---\ntitle: never closed\n\ntext",
        "---\na: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n---\ntext",
        "----\ntitle: x\n---\ntext",
        "text\n---\ntitle: x\n---\n",
        "| a | b |\n|---|---|\n| 1 | 2 |\n",
        "A <!-- comment without end",
        "Code `<!-- kept -->` and\n\n```\n<!-- kept -->\n[^1]: kept\n```\n",
        "Price [^1] without a note.",
    ],
)
def test_other_files_are_left_as_they_are(text: str) -> None:
    """What only looks like front matter, comment or footnote is text."""
    found = document(text)
    assert found.text == text
    assert found.facts == {}
    assert found.notes == ()


def test_comments_are_left_out_and_told() -> None:
    """What a reader of the page does not see is not in the text."""
    found = document("Paid.\n\n<!-- HIDDEN\nlines -->\n\nNever <!-- x -->mind.\n")
    assert found.text == "Paid.\n\nNever mind.\n"
    assert [note.kind for note in found.notes] == [NoteKind.HIDDEN_LEFT_OUT]


def test_footnotes_go_with_their_text() -> None:
    """A footnote follows the paragraph, the list or the table that cites it first."""
    found = document(
        "We pay for theft.[^1] See [^1].\n\n| Cover | Limit |\n|--|--|\n| Fire | $9[^b] |\n\n"
        "End.\n\n[^b]: A year.\n[^1]: Not jewellery.\n    Nor cash.\n\n[^9]: Not cited.\n"
    )
    assert found.text == (
        "We pay for theft.[^1] See [^1].\n\n[^1]: Not jewellery.\n    Nor cash.\n\n"
        "| Cover | Limit |\n|--|--|\n| Fire | $9[^b] |\n\n[^b]: A year.\n\n"
        "End.\n\n[^9]: Not cited.\n"
    )


def test_tables_are_known() -> None:
    """A bar that is escaped stays in its cell, and the table's place is told."""
    text = "# Limits\n\n| Cover | Limit |\n|:--|--:|\n| Fire \\| smoke | $9,000 |\n\nEnd."
    page = document(text).pages[0]
    (table,) = page.tables
    assert page.text == text
    assert table.rows == (("Fire | smoke", "$9,000"),)
    assert page.text[table.start : table.end].startswith("| Cover")


def test_plain_text_is_left_as_it_is() -> None:
    """A text that is no Markdown keeps dashes and comments; rows between bars are a table there."""
    text = "---\ntitle: x\n---\n| a | b |\n|---|---|\n| 1 | 2 |\n<!-- c -->"
    found = document(text, MediaType.TEXT)
    assert (found.text, found.facts, found.notes) == (text, {}, ())
    assert [table.header for table in found.pages[0].tables] == [("a", "b")]


@pytest.mark.parametrize("kind", [MediaType.MARKDOWN, MediaType.TEXT])
def test_pictures_in_the_text_leave_their_description(kind: MediaType) -> None:
    """A picture of 200 KB costs its description, and no token more."""
    source = picture(200_000)
    found = document(
        f"# Attachment\n\nBefore.\n\n![Network map]({source})\n\nAfter axolotl limit $77.", kind
    )
    assert found.text == ("# Attachment\n\nBefore.\n\nNetwork map\n\nAfter axolotl limit $77.")
    assert found.notes == ()
    chunks = chunk_document(found, ChunkerOptions(), tokenizer("cl100k_base"))
    assert len(chunks) <= 3
    assert sum(chunk.tokens for chunk in chunks) < 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a ![]({}) b", "a  b"),
        ('a ![Map]({} "title") b', "a Map b"),
        ("a <img alt='Map' src=\"{}\" width=3> b", "a Map b"),
        ('a <img src="{}"> b', "a  b"),
        ("a ![Map][1] b\n\n[1]: {}\n", "a ![Map][1] b\n\n"),
        ("a [file]({}) b", "a [file]() b"),
        ("a {} b", "a  b"),
        ("no data: here, and data:text only", "no data: here, and data:text only"),
    ],
)
def test_every_data_uri_is_taken_out(text: str, expected: str) -> None:
    """Whatever holds a data URI, its bytes do not get into the text."""
    assert document(text.replace("{}", picture(99))).text == expected


@pytest.mark.parametrize(
    ("description", "size", "is_gap"),
    [
        ("", 12_000, True),
        ("x", 12_000, True),
        ("image1.png", 12_000, True),
        ("Image", 12_000, True),
        ("Map of the network", 12_000, False),
        ("", 3_000, False),
    ],
)
def test_large_pictures_without_description_are_gaps(
    description: str, size: int, is_gap: bool
) -> None:
    """A picture that may hold text and that nobody described was not read: that is told."""
    notes = document(f"Text ![{description}]({picture(size)})").notes
    assert [note.kind for note in notes] == ([NoteKind.PICTURE_NOT_READ] if is_gap else [])


@given(st.text(alphabet="-+\n#[]^:1a <!>`|~ ", max_size=120))
def test_no_word_is_lost_or_doubled(text: str) -> None:
    """Whatever the marks, the letters that are no comment come out as often as they went in."""
    found = document("x" + text).text
    if "<!--" not in text:
        assert sorted(found.split()) == sorted(("x" + text).split())


@pytest.mark.parametrize(
    "unit",
    [
        "<!--",
        "<!-- -->",
        "[^1]",
        "[^1]: x\n",
        "```\n",
        "data:",
        "![](data:,",
        "- a: b\n",
        "![",
        "`",
    ],
)
def test_hostile_texts_are_read_in_time(unit: str) -> None:
    """Any mark is read in time that grows with its number."""

    def read(size: int) -> None:
        for prefix in ("", "---\n"):
            document(prefix + unit * (size // len(unit)))

    assert_linear(read, 30_000)
