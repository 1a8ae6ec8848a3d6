from __future__ import annotations

import pytest

from tests.pipeline.parsing.made_word import cell, paragraph, run, table, text_of


def field(instruction: str, result: str | None = None, data: str = "") -> str:
    """A complex field with its instruction, its form data and its result."""
    shown = "" if result is None else f"{char('separate')}{run(result)}"
    begin = f'<w:r><w:fldChar w:fldCharType="begin">{data}</w:fldChar></w:r>'
    return f"{begin}<w:r><w:instrText> {instruction} </w:instrText></w:r>{shown}{char('end')}"


def char(kind: str) -> str:
    return f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>'


def form(inside: str) -> str:
    return f"<w:ffData>{inside}</w:ffData>"


def control(properties: str, shown: str) -> str:
    return (
        f"<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent>{run(shown)}</w:sdtContent></w:sdt>"
    )


def check_box(checked: int, shown: str) -> str:
    return control(f'<w14:checkbox><w14:checked w14:val="{checked}"/></w14:checkbox>', shown)


def test_results_of_fields_are_text() -> None:
    """Simple and complex fields leave their result; their instruction is seen by nobody."""
    simple = f'<w:fldSimple w:instr=" MERGEFIELD policy ">{run("HO-991")}</w:fldSimple>'
    text = text_of(
        paragraph(
            run("Policy ") + simple + run(" of ") + field("MERGEFIELD name", "Otto") + run(".")
        )
    )
    assert text == "Policy HO-991 of Otto."


def test_fields_within_fields() -> None:
    """A field in another's instruction is part of that, one in its result is text."""
    inner = field("REF a", "inner")
    outer = (
        char("begin") + f"<w:r><w:instrText> IF {'{'}</w:instrText></w:r>" + inner
        + char("separate") + run("You pay ") + field("REF b", "$25") + char("end")
    )  # fmt: skip
    assert text_of(paragraph(outer + run(" each."))) == "You pay $25 each."


def test_a_field_may_reach_over_paragraphs() -> None:
    """The lines of a table of contents are all results of one field."""
    begin = char("begin") + "<w:r><w:instrText>TOC</w:instrText></w:r>" + char("separate")
    text = text_of(
        paragraph(begin + run("Cover 1")) + paragraph("Limits 2") + paragraph(char("end"))
    )
    assert text == "Cover 1\n\nLimits 2"


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("<w:checkBox><w:checked/></w:checkBox>", "[x] Fire"),
        ('<w:checkBox><w:default w:val="1"/></w:checkBox>', "[x] Fire"),
        ('<w:checkBox><w:default w:val="1"/><w:checked w:val="0"/></w:checkBox>', "[ ] Fire"),
        ("<w:checkBox/>", "[ ] Fire"),
    ],
)
def test_legacy_check_boxes(data: str, expected: str) -> None:
    """A form's check box is written as ticked or not, as it is set or else by default."""
    assert text_of(paragraph(field("FORMCHECKBOX", None, form(data)) + run("Fire"))) == expected


def test_choices_and_texts_of_forms() -> None:
    """A form's list shows its chosen entry, a form's text field what was written."""
    entries = "".join(f'<w:listEntry w:val="{state}"/>' for state in ("Ohio", "Nebraska", "Utah"))
    chosen = form(f'<w:ddList><w:result w:val="1"/>{entries}</w:ddList>')
    first = form(f"<w:ddList>{entries}</w:ddList>")
    text = text_of(
        paragraph(
            field("FORMDROPDOWN", None, chosen)
            + run(" / ") + field("FORMDROPDOWN", None, first)
            + run(" / ") + field("FORMTEXT", "17,450.25", form("<w:textInput/>"))
        )
    )  # fmt: skip
    assert text == "Nebraska / Ohio / 17,450.25"


def test_symbols_and_buttons_that_are_fields() -> None:
    """Fields without a result that show a character or a prompt leave that."""
    text = text_of(
        paragraph(
            field(r"SYMBOL 254 \f Wingdings \s 10") + run("Fire ")
            + field("MACROBUTTON NoMacro [click here]") + field(r"SYMBOL x \f")
        )
    )  # fmt: skip
    assert text == "[x] Fire [click here]"


def test_check_box_controls() -> None:
    """A control tells its state, whatever character it shows for it."""
    text = text_of(
        paragraph(
            run("Motorist: ") + check_box(0, "☐") + run(" Accepted ") + check_box(1, "☒")
            + run(" Rejected; Roadside:") + check_box(1, "X") + run("yes") + check_box(0, "-")
        )
    )  # fmt: skip
    assert text == "Motorist: [ ] Accepted [x] Rejected; Roadside:[x] yes [ ]"


def test_other_controls_show_their_contents() -> None:
    """Texts, dates and choices in content controls are text, in a line and around blocks."""
    inside = control("<w:dropDownList/>", "Gold") + run(" since ") + control("<w:date/>", "May 1")
    around = f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph('Block.')}</w:sdtContent></w:sdt>"
    assert text_of(paragraph(inside) + around) == "Gold since May 1\n\nBlock."


def test_check_box_control_around_a_paragraph() -> None:
    """A check box that is a paragraph of its own is told, too."""
    box = '<w:sdtPr><w14:checkbox><w14:checked w14:val="1"/></w14:checkbox></w:sdtPr>'
    body = f"<w:sdt>{box}<w:sdtContent>{paragraph('☒')}</w:sdtContent></w:sdt>"
    assert text_of(paragraph("Agreed:") + body) == "Agreed:\n\n[x]"


@pytest.mark.parametrize(
    ("font", "code", "expected"),
    [
        ("Wingdings", "F0A8", "[ ] Fire"),
        ("Wingdings", "F06F", "[ ] Fire"),
        ("Wingdings", "F0FE", "[x] Fire"),
        ("Wingdings", "FD", "[x] Fire"),
        ("Wingdings", "F0FC", "✓Fire"),
        ("Wingdings 2", "F052", "[x] Fire"),
        ("Wingdings 2", "F0A3", "[ ] Fire"),
        ("Symbol", "F0B3", "≥Fire"),
        ("Symbol", "F061", "αFire"),
        ("Unknown", "F021", "•Fire"),
        ("Wingdings", "no number", "Fire"),
    ],
)
def test_symbols(font: str, code: str, expected: str) -> None:
    """Characters of symbol fonts are what they look like: boxes, ticks, letters, bullets."""
    symbol = f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'
    assert text_of(paragraph(symbol + run("Fire"))) == expected


def test_plain_characters_in_a_symbol_font() -> None:
    """Letters that a symbol font shows as boxes are boxes, those of other fonts are letters."""
    font = '<w:rFonts w:ascii="Wingdings" w:hAnsi="Wingdings"/>'
    text = text_of(paragraph(run("þ", font) + run(" Fire ") + run("o", font) + run(" Theft o")))
    assert text == "[x] Fire [ ] Theft o"


def test_typed_boxes() -> None:
    """Boxes that are typed as characters are told like the others."""
    text = text_of(
        table(
            cell("Cover") + cell("Taken"),
            cell("Fire") + cell("☑ yes ☐ no"),
            cell("Hail") + cell("☐"),
        )
    )
    assert "| Fire | [x] yes [ ] no |\n| Hail | [ ] |" in text
