from __future__ import annotations

import pytest

from tests.pipeline.parsing.made_word import (
    STYLES,
    level,
    numbered,
    numbering,
    paragraph,
    run,
    text_of,
)

HEADING = '<w:pStyle w:val="Heading1"/>'
LEGAL = numbering(
    level(0, "decimal", "Section %1.", start=4),
    level(1, "lowerLetter", "(%2)"),
    level(2, "lowerRoman", "(%3)"),
)
CLAUSES = numbering(
    level(0, "decimal", "%1."), level(1, "decimal", "%1.%2"), level(2, "lowerLetter", "(%3)")
)


def test_clauses_have_the_numbers_that_word_shows() -> None:
    """Headings and clauses keep "Section 4." and "(a)", counted anew below each heading."""
    text = text_of(
        numbered("Exclusions", 0, properties=HEADING)
        + numbered("War is excluded.", 1)
        + numbered("Wear is excluded.", 1)
        + numbered("Conditions", 0, properties=HEADING)
        + numbered("Notice within 30 days.", 1)
        + paragraph("See Section 4(b)."),
        numbering=LEGAL,
    )
    assert text == (
        "# Section 4. Exclusions\n\n(a) War is excluded.\n(b) Wear is excluded.\n\n"
        "# Section 5. Conditions\n\n(a) Notice within 30 days.\n\nSee Section 4(b)."
    )


def test_numbers_of_several_levels() -> None:
    """A clause shows the numbers of the levels above it, as its level's pattern says."""
    text = text_of(
        "".join(
            numbered(words, at)
            for words, at in [
                ("Definitions", 0), ("Insured", 1), ("Loss", 1), ("Exclusions", 0), ("War", 1),
                ("by invasion", 2), ("by rebellion", 2), ("Wear", 1), ("slow", 2),
            ]
        ),
        numbering=CLAUSES,
    )  # fmt: skip
    assert [" ".join(line.split()) for line in text.split("\n")] == [
        "1. Definitions", "1.1 Insured", "1.2 Loss", "2. Exclusions", "2.1 War", "(a) by invasion",
        "(b) by rebellion", "2.2 Wear", "(a) slow",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("number_format", "start", "expected"),
    [
        ("decimal", 9, "9 10"),
        ("decimalZero", 9, "09 10"),
        ("upperRoman", 3, "III IV"),
        ("lowerRoman", 48, "xlviii xlix"),
        ("upperLetter", 26, "Z AA"),
        ("lowerLetter", 52, "zz aaa"),
        ("ordinal", 21, "21st 22nd"),
        ("ordinal", 112, "112th 113th"),
        ("cardinalText", 19, "Nineteen Twenty"),
        ("cardinalText", 121, "One hundred twenty-one One hundred twenty-two"),
        ("ordinalText", 1, "First Second"),
        ("ordinalText", 20, "Twentieth Twenty-first"),
        ("noSuchFormat", 7, "7 8"),
    ],
)
def test_formats(number_format: str, start: int, expected: str) -> None:
    """Letters, Roman numbers, ordinals and words are written as Word writes them."""
    text = text_of(
        numbered("x", 0) + numbered("x", 0),
        numbering=numbering(level(0, number_format, "%1 =", start=start)),
    )
    assert text.replace("\n", " ").replace(" = x", "") == expected


def test_numbers_go_on_after_other_text() -> None:
    """A list that is interrupted by a paragraph or a table goes on counting."""
    text = text_of(
        numbered("One", 0) + paragraph("Between.") + numbered("Two", 0), numbering=CLAUSES
    )
    assert text == "1. One\n\nBetween.\n\n2. Two"


def test_lists_that_share_a_definition_share_its_count() -> None:
    """Another list of the same definition goes on, unless it has a start of its own."""
    lists = "".join(
        f'<w:num w:numId="{n}"><w:abstractNumId w:val="0"/>{more}</w:num>'
        for n, more in (
            (1, ""),
            (2, ""),
            (3, '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'),
        )
    )
    text = text_of(
        "".join(numbered(f"list {n}", 0, n) for n in (1, 2, 3, 3, 1)),
        numbering=numbering(level(0, "decimal", "%1)"), lists=lists),
    )
    assert text == "1) list 1\n2) list 2\n1) list 3\n2) list 3\n3) list 1"


def test_a_list_may_change_a_level() -> None:
    """A list's own level replaces that of its definition."""
    own = level(0, "upperLetter", "Part %1:")
    text = text_of(
        numbered("Cover", 0),
        numbering=numbering(
            level(0, "decimal", "%1."),
            lists='<w:num w:numId="1"><w:abstractNumId w:val="0"/>'
            f'<w:lvlOverride w:ilvl="0">{own}</w:lvlOverride></w:num>',
        ),
    )
    assert text == "Part A: Cover"


def test_a_level_may_never_restart() -> None:
    """Clauses whose level says so are counted through the whole document."""
    text = text_of(
        "".join(numbered("x", at) for at in (0, 1, 1, 0, 1)),
        numbering=numbering(
            level(0, "upperRoman", "%1."), level(1, "decimal", "§ %2", '<w:lvlRestart w:val="0"/>')
        ),
    )
    assert text.split("\n\n") == ["I. x\n§ 1 x\n§ 2 x\nII. x\n§ 3 x"]


def test_legal_numbers_are_digits() -> None:
    """A level that is marked as legal shows the Roman numbers above it in digits."""
    text = text_of(
        numbered("Article", 0) + numbered("Clause", 1),
        numbering=numbering(
            level(0, "upperRoman", "Article %1."), level(1, "decimal", "%1.%2", "<w:isLgl/>")
        ),
    )
    assert text == "Article I. Article\n1.1 Clause"


def test_numbers_come_from_styles() -> None:
    """A style numbers its paragraphs; the level is the one that is tied to the style."""
    styles = STYLES + "".join(
        f'<w:style w:type="paragraph" w:styleId="{name}"><w:name w:val="{name}"/>{based}'
        f'<w:pPr><w:numPr><w:numId w:val="1"/></w:numPr></w:pPr></w:style>'
        for name, based in (("Clause", ""), ("Sub", '<w:basedOn w:val="Clause"/>'))
    )
    text = text_of(
        paragraph("Duties", '<w:pStyle w:val="Clause"/>')
        + paragraph("Notice", '<w:pStyle w:val="Sub"/>')
        + paragraph("Free", '<w:pStyle w:val="Sub"/><w:numPr><w:numId w:val="0"/></w:numPr>'),
        styles=styles,
        numbering=numbering(
            level(0, "decimal", "%1.", '<w:pStyle w:val="Clause"/>'),
            level(1, "lowerLetter", "%1(%2)", '<w:pStyle w:val="Sub"/>'),
        ),
    )
    assert text == "1. Duties\n   1(a) Notice\n\nFree"


def test_deleted_and_hidden_paragraphs_are_not_counted() -> None:
    """A clause that was deleted, or is hidden, takes no number; an empty one takes its own."""
    deleted = '<w:del w:id="1"><w:r><w:delText>gone</w:delText></w:r></w:del>'
    text = text_of(
        numbered("One", 0)
        + numbered(deleted, 0, properties='<w:rPr><w:del w:id="2"/></w:rPr>')
        + numbered(run("secret", "<w:vanish/>"), 0, properties="<w:rPr><w:vanish/></w:rPr>")
        + numbered("Two", 0)
        + numbered(" ", 0)
        + numbered("Four", 0),
        numbering=CLAUSES,
    )
    assert text == "1. One\n2. Two\n4. Four"


def test_bullets_are_list_items() -> None:
    """Bullets become a Markdown list, indented below the item they belong to."""
    text = text_of(
        numbered("Cover", 0) + numbered("Fire", 1) + numbered("Theft", 1) + numbered("Limits", 0),
        numbering=numbering(level(0, "decimal", "%1."), level(1, "bullet", "\uf0b7")),
    )
    assert text == "1. Cover\n   - Fire\n   - Theft\n2. Limits"


def test_check_boxes_as_bullets_stay_boxes() -> None:
    """A list whose bullets are boxes of a symbol font shows boxes."""
    font = '<w:rPr><w:rFonts w:ascii="Wingdings"/></w:rPr>'
    text = text_of(numbered("Fire", 0), numbering=numbering(level(0, "bullet", "\uf0a8", font)))
    assert text == "- [ ] Fire"


def test_whole_clauses_in_a_headings_style_are_no_headings() -> None:
    """A clause of many words is a paragraph with its number, whatever its style."""
    clause = "The insured shall give notice of any loss without delay. " * 5
    text = text_of(numbered(clause, 0, properties=HEADING), numbering=CLAUSES)
    assert text == f"1. {clause.strip()}"


def test_damaged_numbering_is_no_reason_to_fail() -> None:
    """References to lists and levels that are not there leave the text without numbers."""
    text = text_of(
        numbered("a", 0, 99) + numbered("b", 77) + numbered("c", -3),
        numbering='<w:num w:numId="1"><w:abstractNumId w:val="5"/></w:num><w:abstractNum/>',
    )
    assert text == "a\n\nb\n\nc"
