"""Form fields: what was filled in stands with its label."""

from __future__ import annotations

import io

import pytest
from reportlab.pdfgen.canvas import Canvas

from pipeline.errors import ParseCode, ParseError
from pipeline.notes import NoteKind
from tests.pipeline.parsing.pdf.made_forms import (
    check_box,
    choice_field,
    form_pdf,
    radio_group,
    rect,
    text_field,
    words,
)
from tests.pipeline.parsing.pdf.made_pdfs import only_page, parse

PASSWORD, MULTILINE = 1 << 13, 1 << 12


def lines_of(content: bytes) -> list[str]:
    """The lines of a form's text."""
    return [line for line in only_page(content).text.split("\n") if line]


def test_values_stand_beside_the_labels_on_their_left() -> None:
    """A text field's value follows its label, without any drawn appearance."""
    content = form_pdf(
        words((72, 100, "Policy number:"), (72, 130, "Premium due:")),
        [
            text_field("a", "HO-7781-2231", rect(170, 88, 330, 104)),
            text_field("b", "17,450.25", rect(170, 118, 330, 134)),
        ],
    )
    assert lines_of(content) == ["Policy number: HO-7781-2231", "Premium due: 17,450.25"]


def test_a_value_below_its_label() -> None:
    """A value in a box below its label comes after it, before the next label."""
    content = form_pdf(
        words((72, 100, "Name of insured"), (72, 150, "Mailing address")),
        [
            text_field("a", "Dana Whitfield", rect(72, 104, 330, 120)),
            text_field("b", "14 Quarry Road", rect(72, 154, 330, 170)),
        ],
    )
    assert " ".join(only_page(content).text.split()) == (
        "Name of insured Dana Whitfield Mailing address 14 Quarry Road"
    )


def test_two_labels_with_values_on_one_line() -> None:
    """Each value stands beside its own label where two of them share a line."""
    content = form_pdf(
        words((72, 100, "State:"), (320, 100, "Zip code:")),
        [
            text_field("a", "Nebraska", rect(120, 88, 250, 104)),
            text_field("b", "68102", rect(380, 88, 450, 104)),
        ],
    )
    assert " ".join(only_page(content).text.split()) == "State: Nebraska Zip code: 68102"


@pytest.mark.parametrize("combo", [True, False])
def test_the_chosen_one_of_a_list(combo: bool) -> None:
    """Of a combo box or a list only what was chosen is shown, as on the page."""
    content = form_pdf(
        words((72, 100, "State:")),
        [
            choice_field(
                "s", ["Iowa", "Nebraska", "Utah"], "Nebraska", rect(120, 88, 250, 104), combo=combo
            )
        ],
    )
    assert lines_of(content) == ["State: Nebraska"]


def test_check_boxes_with_their_labels() -> None:
    """A ticked box is [x], an empty one [ ], each with the label beside it."""
    content = form_pdf(
        words((90, 100, "Flood"), (90, 130, "Earthquake"), (72, 160, "Replacement cost")),
        [
            check_box("f", True, rect(72, 90, 84, 102)),
            check_box("e", False, rect(72, 120, 84, 132)),
            check_box("r", True, rect(170, 150, 182, 162)),
        ],
    )
    assert lines_of(content) == ["[x] Flood", "[ ] Earthquake", "Replacement cost [x]"]


def test_check_boxes_in_a_row() -> None:
    """Boxes on one line keep their labels, the box before its label."""
    content = form_pdf(
        words(
            (72, 100, "Coverage:"), (150, 100, "Basic"), (230, 100, "Broad"), (310, 100, "Special")
        ),
        [
            check_box("a", False, rect(134, 90, 146, 102)),
            check_box("b", True, rect(214, 90, 226, 102)),
            check_box("c", False, rect(294, 90, 306, 102)),
        ],
    )
    assert lines_of(content) == ["Coverage: [ ] Basic [x] Broad [ ] Special"]


def test_one_of_a_group_of_radio_buttons() -> None:
    """Of a radio group the chosen button is [x], the others [ ]."""
    places = [rect(72, 90 + 30 * n, 84, 102 + 30 * n) for n in range(3)]
    content = form_pdf(
        words((90, 100, "Owner"), (90, 130, "Tenant"), (90, 160, "Landlord")),
        groups=[radio_group("who", 1, places, 20)],
    )
    assert lines_of(content) == ["[ ] Owner", "[x] Tenant", "[ ] Landlord"]


def test_a_value_of_several_lines() -> None:
    """A field of several lines keeps all of its words, once."""
    value = "Two story frame dwelling\nwith a detached garage"
    content = form_pdf(
        words((72, 100, "Description:")),
        [text_field("d", value, rect(170, 88, 400, 140), flags=MULTILINE)],
    )
    assert only_page(content).text.split() == f"Description: {value}".split()


def test_a_password_is_not_shown() -> None:
    """A password that was typed in is hidden, as it is on the page."""
    content = form_pdf(
        words((72, 100, "Code word:")),
        [text_field("p", "hunter2", rect(170, 88, 330, 104), flags=PASSWORD)],
    )
    text = only_page(content).text
    assert "hunter2" not in text
    assert text == "Code word: [hidden]"


def test_a_hidden_field_is_not_seen() -> None:
    """A field that the form hides is left out, and that is told."""
    hidden = text_field("r", "reserve 99,000", rect(170, 118, 330, 134)).replace(b"/F 4", b"/F 2")
    shown = text_field("n", "HO-7781", rect(170, 88, 330, 104))
    document = parse(form_pdf(words((72, 100, "Policy number:")), [hidden, shown]))
    assert document.text == "Policy number: HO-7781"
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT]


def test_small_boxes_to_tick_are_no_superscripts() -> None:
    """Ticks in small boxes that stand high on their line are all there."""
    content = form_pdf(
        words((72, 100, "Flood")),
        [check_box(f"c{n}", True, rect(98 + 5 * n, 91, 102 + 5 * n, 95)) for n in range(3)],
    )
    assert only_page(content).text == "Flood [x] [x] [x]"


def test_an_empty_field_leaves_its_label() -> None:
    """A field without a value says nothing."""
    content = form_pdf(
        words((72, 100, "Policy number:")), [text_field("a", "", rect(170, 88, 330, 104))]
    )
    assert only_page(content).text == "Policy number:"


def test_a_drawn_value_is_not_said_twice() -> None:
    """A value that the file draws as well stands once, and so does a drawn tick."""
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(612, 792))
    canvas.drawString(72, 700, "Policy number:")
    canvas.acroForm.textfield(name="n", value="HO-7781 B", x=170, y=694, width=160, height=18)
    canvas.drawString(72, 660, "State:")
    canvas.acroForm.choice(
        name="s", value="Utah", options=["Iowa", "Utah"], x=170, y=654, width=90, height=18
    )
    canvas.drawString(96, 624, "I want paperless billing")
    canvas.acroForm.checkbox(name="p", checked=True, x=72, y=620, size=16)
    canvas.save()
    assert lines_of(out.getvalue()) == [
        "Policy number: HO-7781 B",
        "State: Utah",
        "[x] I want paperless billing",
    ]


def test_fields_in_a_ruled_table() -> None:
    """Values in the cells of a table are cells."""
    lines = b"\n".join(
        [
            *(b"72 %d m 372 %d l S" % (y, y) for y in (712, 692, 672, 652)),
            *(b"%d 712 m %d 652 l S" % (x, x) for x in (72, 222, 372)),
        ]
    )
    content = form_pdf(
        words(
            (75, 94, "Driver"), (225, 94, "License"), (75, 114, "A. Reyes"), (75, 134, "B. Okafor")
        )
        + b"\n"
        + lines,
        [
            text_field("a", "TX-881", rect(223, 101, 371, 119)),
            text_field("b", "TX-902", rect(223, 121, 371, 139)),
        ],
    )
    (table,) = only_page(content).tables
    assert table.rows == (("A. Reyes", "TX-881"), ("B. Okafor", "TX-902"))


def test_a_form_that_only_one_program_shows_is_refused() -> None:
    """A dynamic form, whose page only asks for another program, is refused with what to do."""
    xfa = b"<xdp:xdp xmlns:xdp='http://ns.adobe.com/xdp/'><template/></xdp:xdp>"
    content = (
        form_pdf(
            words((72, 100, "Please wait..."), (72, 120, "Open this file with Adobe Reader.")),
            annotations=[],
            catalog=b"/XFA 8 0 R",
        )
        .replace(
            b"9 0 obj",
            b"8 0 obj\n<</Length %d>>stream\n%s\nendstream\nendobj\n9 0 obj" % (len(xfa), xfa),
        )
        .replace(b"/AcroForm", b"/NeedsRendering true/AcroForm")
    )
    with pytest.raises(ParseError) as caught:
        parse(content)
    assert caught.value.parse_code is ParseCode.NO_TEXT
    assert "XFA" in caught.value.message and "print it to a new PDF" in caught.value.message
