from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions


def parse(content: bytes | str) -> str:
    raw = content.encode() if isinstance(content, str) else content
    return parse_bytes(raw, MediaType.HTML, ParseOptions()).text


def test_headings_lists_and_tables_survive() -> None:
    """A page becomes Markdown; a bar inside a cell does not break the table."""
    text = parse(
        "<h1>Plan</h1><p>Pays <b>80%</b>.</p><ul><li>Cleaning<li>X-rays</ul>"
        "<table><tr><th>Class<th>Pays<tr><td>I | II<td>100%</table>"
    )
    assert text == (
        "# Plan\n\nPays **80%**.\n\n- Cleaning\n- X-rays\n\n"
        "| Class | Pays |\n| --- | --- |\n| I \\| II | 100% |"
    )


def test_boilerplate_goes() -> None:
    """Scripts, styles, navigation, hidden text and comments are no part of the document."""
    text = parse(
        "<html><head><style>p{}</style><script>alert(1)</script></head><body><nav>Home</nav>"
        "<!-- note --><div role=navigation>Menu</div><p hidden>Ghost</p>"
        "<p style='display: none'>Ghost</p><p>The policy.</p><noscript>On</noscript></body></html>"
    )
    assert text == "The policy."


def test_title_is_the_heading_when_there_is_none() -> None:
    """The page's title names it only if the text does not."""
    assert parse("<title> Dental\n plan </title><p>x") == "# Dental plan\n\nx"
    assert parse("<title>Site</title><h1>Plan</h1>") == "# Plan"


def test_links_and_pictures_leave_their_words() -> None:
    """Addresses are dropped; a link's words and a picture's description stay."""
    text = parse("<p>See <a href='https://example.org/x'>the form</a> <img src=x alt='Logo'></p>")
    assert text == "See the form Logo"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<meta charset=utf-8><p>Prämie €".encode(), "Prämie €"),
        ("<meta charset=iso-8859-1><p>Prämie €".encode("cp1252"), "Prämie €"),
        ("<meta charset=shift_jis><p>保険料".encode("shift_jis"), "保険料"),
        ("<p>Die Prämie für Ärzte".encode("cp1252"), "Die Prämie für Ärzte"),
        ("<p>Prämie".encode("utf-16"), "Prämie"),
        ("<meta charset=utf-8><p>Die Prämie für Ärzte".encode("cp1252"), "Die Prämie für Ärzte"),
        (b"<meta charset=no-such-thing><p>plain", "plain"),
        (b"<meta charset=rot13><p>plain", "plain"),
        (b"<meta charset='utf\x008'><p>plain", "plain"),
    ],
)
def test_encodings(content: bytes, expected: str) -> None:
    """A page is read by its mark, what it declares, or what its bytes say; a lie is found out."""
    assert parse(content) == expected


def test_unclosed_elements_are_read() -> None:
    """Old pages that never close a paragraph, row or list item are read whole."""
    text = parse("<p>Clause" * 3000 + "<ul>" + "<li>Item" * 3000)
    assert text.count("Clause") == 3000
    assert text.count("- Item") == 3000


def test_deep_nesting_ends_in_text_or_a_reason() -> None:
    """Elements nested 50,000 deep do not crash the parser."""
    try:
        parse("<div>" * 50_000 + "x")
    except ParseError as error:
        assert error.parse_code is ParseCode.BROKEN
    else:
        assert parse("<p>still works") == "still works"


def test_entities_do_not_multiply() -> None:
    """Entity definitions in a page are not expanded."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    assert len(parse(f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]><p>&l11;</p>')) < 10_000


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet="<>/=\"' &;!-abtrdhpliu1\x00\n", max_size=300))
def test_any_markup_ends_in_text_or_a_reason(markup: str) -> None:
    """Whatever the markup, the result is storable text or a `ParseError` that is no crash."""
    try:
        text = parse("x" + markup)
    except ParseError as error:
        assert error.parse_code is not ParseCode.CRASHED
    else:
        assert "\x00" not in text
