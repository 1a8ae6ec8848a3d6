from __future__ import annotations

import pytest

from pipeline.notes import NoteKind
from tests.pipeline.parsing.made_word import (
    STYLES,
    cell,
    paragraph,
    read,
    run,
    table,
    text_of,
    word,
)

HIDDEN = "<w:vanish/>"
RAISED = '<w:vertAlign w:val="superscript"/>'
EMU = 914_400


def kinds_of(content: bytes) -> list[NoteKind]:
    return [note.kind for note in read(content).notes]


def note_mark(kind: str, own_id: int, more: str = "") -> str:
    return f'<w:r><w:rPr>{RAISED}</w:rPr><w:{kind}Reference w:id="{own_id}"{more}/></w:r>'


def notes_part(kind: str, *texts: str) -> str:
    return "".join(
        f'<w:{kind} w:id="{number}">'
        f"{paragraph(f'<w:r><w:{kind}Ref/></w:r>' + run(' ' + text))}</w:{kind}>"
        for number, text in enumerate(texts, 1)
    )


def picture(inches: tuple[float, float], description: str = "") -> str:
    """A picture of a size, with what its author says of it."""
    width, height = (round(side * EMU) for side in inches)
    return (
        f'<w:r><w:drawing><wp:inline><wp:extent cx="{width}" cy="{height}"/>'
        f'<wp:docPr id="1" name="Picture 1" descr="{description}"/>'
        '<a:graphic><a:graphicData><pic:pic><pic:blipFill><a:blip r:embed="rId9"/></pic:blipFill>'
        "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


def test_footnotes_stand_after_the_paragraph_that_cites_them() -> None:
    """A mark is apart from the amount, and its text follows with the same mark."""
    text = text_of(
        paragraph(run("You pay $250") + note_mark("footnote", 1) + run(" per visit."))
        + paragraph("Next clause."),
        footnotes=notes_part("footnote", "Waived if admitted."),
    )
    assert text == "You pay $250 [1] per visit.\n\n[1] Waived if admitted.\n\nNext clause."


def test_notes_of_a_table_stand_after_it() -> None:
    """Marks in cells stay in their cells; the notes follow the table, each with its number."""
    rows = table(
        cell("Service") + cell("Copay"),
        cell("Exam") + cell(paragraph(run("$15") + note_mark("footnote", 2))),
        cell("Scan") + cell(paragraph(run("$90") + note_mark("endnote", 1))),
    )
    text = text_of(
        rows + paragraph("After."),
        footnotes=notes_part("footnote", "unused", "Once a year."),
        endnotes=notes_part("endnote", "With a referral."),
    )
    assert "| Exam | $15 [1] |\n| Scan | $90 [i] |\n\n" in text
    assert text.endswith("[1] Once a year.\n\n[i] With a referral.\n\nAfter.")
    assert "unused" not in text


def test_notes_with_marks_of_their_own() -> None:
    """A mark that the author typed is the mark."""
    own = note_mark("footnote", 1, ' w:customMarkFollows="1"')
    text = text_of(
        paragraph(run("$250") + own + run("*", RAISED) + run(" each")),
        footnotes=f'<w:footnote w:id="1">{paragraph("* Per year.")}</w:footnote>',
    )
    assert text == "$250* each\n\n* Per year."


@pytest.mark.parametrize(
    ("base", "raised", "expected"),
    [
        ("$250", "1", "$250 [1]"),
        ("$1,500", "2,3", "$1,500 [2,3]"),
        ("80%", "a", "80% [a]"),
        ("10", "3", "10^3"),
        ("1200 m", "2", "1200 m^2"),
        ("(1+i)", "n", "(1+i)^n"),
        ("the 1", "st", "the 1st"),
        ("BrandName", "TM", "BrandName™"),
        ("$15", "00", "$15.00"),
        ("Part A", "1", "Part A [1]"),
        ("visit", "*", "visit*"),
        ("", "2", "[2]"),
    ],
)
def test_raised_characters(base: str, raised: str, expected: str) -> None:
    """Footnote marks are apart, powers show as such, ordinals and cents are joined."""
    assert text_of(paragraph(run(base) + run(raised, RAISED))) == expected
    assert text_of(paragraph(run(base) + run(raised, RAISED) + run(" more"))) == f"{expected} more"


def test_lowered_characters() -> None:
    """Chemical formulas are words, indices are told."""
    low = '<w:vertAlign w:val="subscript"/>'
    assert text_of(paragraph(run("CO") + run("2", low) + run(" and q") + run("x", low))) == (
        "CO2 and q_x"
    )


def test_hidden_text_is_left_out_and_told() -> None:
    """Text that is hidden itself or by a style is gone, and a note says so without its words."""
    styles = STYLES + (
        '<w:style w:type="character" w:styleId="Secret"><w:name w:val="Secret"/>'
        f"<w:rPr>{HIDDEN}</w:rPr></w:style>"
        '<w:style w:type="paragraph" w:styleId="Internal"><w:name w:val="Internal"/>'
        f"<w:rPr>{HIDDEN}</w:rPr></w:style>"
    )
    shown = run("shown again", '<w:vanish w:val="0"/>')
    document = read(
        word(
            paragraph(run("Visible. ") + run("VANISHED", HIDDEN))
            + paragraph(run("BYSTYLE", '<w:rStyle w:val="Secret"/>'))
            + paragraph(run("INTERNAL ") + shown, '<w:pStyle w:val="Internal"/>'),
            styles=styles,
        )
    )
    assert document.text == "Visible.\n\nshown again"
    (note,) = document.notes
    assert note.kind is NoteKind.HIDDEN_LEFT_OUT
    assert not note.is_gap
    assert "VANISHED" not in note.message


def test_white_on_white_is_hidden_but_not_on_a_dark_cell() -> None:
    """White text is left out where the page is white, and kept where something is behind it."""
    white = '<w:color w:val="FFFFFF"/>'
    shade = '<w:shd w:val="clear" w:fill="1F3864"/>'
    document = read(
        word(
            paragraph(run("Read. ") + run("IGNORE THIS", white) + run("Kept.", white + shade))
            + paragraph(run("Also kept.", white), shade)
            + table(
                cell(paragraph(run("Plan", white)), shade) + cell("Copay"), cell("a") + cell("b")
            )
        )
    )
    assert "IGNORE" not in document.text
    for words in ("Read. Kept.", "Also kept.", "| Plan | Copay |"):
        assert words in document.text
    assert [note.kind for note in document.notes] == [NoteKind.HIDDEN_LEFT_OUT]


def test_text_too_small_to_read_is_hidden() -> None:
    """Runs of one point are left out, but not where the whole document's style says so."""
    tiny = '<w:sz w:val="2"/>'
    normal = (
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/>'
        f"<w:rPr>{tiny}</w:rPr></w:style>"
    )
    body = paragraph(run("Seen ") + run("IGNORE", tiny))
    assert text_of(body) == "Seen"
    assert text_of(paragraph("Seen"), styles=normal) == "Seen"


def test_changes_are_accepted() -> None:
    """Insertions and moved text are kept; deletions, what was moved away, and comments go."""
    text = text_of(
        paragraph(
            run("Limit ")
            + '<w:del w:id="1"><w:r><w:delText>$500</w:delText></w:r></w:del>'
            + f'<w:ins w:id="2">{run("$1,000")}</w:ins>'
            + f'<w:moveFrom w:id="3">{run("AWAY")}</w:moveFrom>'
            + f'<w:moveTo w:id="4">{run(" a year")}</w:moveTo>'
            + '<w:r><w:commentReference w:id="0"/></w:r>'
        ),
        comments=f'<w:comment w:id="0">{paragraph("COMMENT")}</w:comment>',
    )
    assert text == "Limit $1,000 a year"


def test_text_boxes_are_read_once() -> None:
    """A text box that a file holds twice, for new and old readers, is read once."""
    inside = f"<w:txbxContent>{paragraph('Flood is excluded.')}</w:txbxContent>"
    shape = f"<wps:wsp><wps:txbx>{inside}</wps:txbx></wps:wsp>"
    new = f"<w:drawing><wp:anchor>{shape}</wp:anchor></w:drawing>"
    old = f"<w:pict><v:shape><v:textbox>{inside}</v:textbox></v:shape></w:pict>"
    both = (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps">{new}</mc:Choice>'
        f"<mc:Fallback>{old}</mc:Fallback></mc:AlternateContent></w:r>"
    )
    text = text_of(paragraph(run("Before.") + both) + paragraph(f"<w:r>{old}</w:r>"))
    assert text == "Before.\n\nFlood is excluded.\n\nFlood is excluded."


def test_of_two_forms_the_newer_is_read_unless_it_is_empty() -> None:
    """Where a file has a newer and an older form of a passage, one with text is read, once."""

    def both(newer: str, older: str) -> str:
        return paragraph(
            f'<w:r><mc:AlternateContent><mc:Choice Requires="wps">{newer}</mc:Choice>'
            f"<mc:Fallback>{older}</mc:Fallback></mc:AlternateContent></w:r>"
        )

    newer, older = "<w:t>newer</w:t>", "<w:t>older</w:t>"
    assert text_of(both(newer, older) + both("<w:cr/>", older)) == "newer\n\nolder"


def test_strict_files_are_read_whole() -> None:
    """A file in the strict form of the format is read like any other, with header and footer."""
    header = "<w:sectPr><w:headerReference r:id='h'/><w:footerReference r:id='f'/></w:sectPr>"
    content = word(
        paragraph("Cover", '<w:pStyle w:val="Heading1"/>')
        + table(cell("Plan") + cell("Copay"), cell("Gold") + cell("$15"))
        + header,
        strict=True,
        header_h=paragraph("Effective March 1, 2026"),
        footer_f=paragraph("Form EM-77"),
    )
    text = read(content).text
    assert text.startswith("Effective March 1, 2026\n\n# Cover\n\n| Plan | Copay |")
    assert text.endswith("\n\nForm EM-77")


def test_margins_are_those_that_a_page_has() -> None:
    """Headers of pages that do not exist, and page numbers, are left out."""
    section = (
        "<w:sectPr><w:headerReference w:type='default' r:id='d'/>"
        "<w:headerReference w:type='first' r:id='x'/><w:headerReference w:type='even' r:id='y'/>"
        "<w:footerReference w:type='default' r:id='z'/></w:sectPr>"
    )
    parts = {
        "header_d": paragraph("Policy EM-1"),
        "header_x": paragraph("FIRST PAGE"),
        "header_y": paragraph("EVEN PAGE"),
        "footer_z": paragraph("Page 3 of 12"),
    }
    assert text_of(paragraph("Text.") + section, **parts) == "Policy EM-1\n\nText."
    titled = section.replace("</w:sectPr>", "<w:titlePg/></w:sectPr>")
    assert text_of(paragraph("Text.") + titled, **parts) == "Policy EM-1\n\nFIRST PAGE\n\nText."


def test_formulas_are_text() -> None:
    """Fractions, powers, roots and sums are written on the line."""

    def r(text: str) -> str:
        return f"<m:r><m:t>{text}</m:t></m:r>"

    fraction = f"<m:f><m:num>{r('a+b')}</m:num><m:den>{r('c')}</m:den></m:f>"
    power = f"<m:sSup><m:e>{r('x')}</m:e><m:sup>{r('2')}</m:sup></m:sSup>"
    root = f"<m:rad><m:deg/><m:e>{r('y')}</m:e></m:rad>"
    total = (
        '<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr>'
        f"<m:sub>{r('t=1')}</m:sub><m:sup>{r('n')}</m:sup><m:e>{r('v')}</m:e></m:nary>"
    )
    bracket = (
        f'<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/></m:dPr><m:e>{r("q")}</m:e></m:d>'
    )
    parts = r("=").join((fraction, power, root, total, bracket))
    text = text_of(paragraph(f"{run('Premium')}<m:oMath>{parts}</m:oMath>"))
    assert text == "Premium (a+b)/c=x^2=√(y)=∑_(t=1)^n v=[q]"


@pytest.mark.parametrize(
    ("inches", "description", "is_gap"),
    [
        ((6.5, 9.0), "", True),
        ((3.0, 3.0), "", True),
        ((7.5, 2.0), "", False),
        ((7.5, 3.5), "", True),
        ((1.5, 0.6), "", False),
        ((6.5, 9.0), "Map of the network", False),
        ((6.5, 9.0), "scan0001.png", True),
        ((6.5, 9.0), "A picture containing text. Description automatically generated", True),
    ],
)
def test_large_pictures_are_gaps(
    inches: tuple[float, float], description: str, is_gap: bool
) -> None:
    """A large picture that nobody described was not read, and that is told; a logo is none."""
    content = word(paragraph("Text.") + paragraph(picture(inches, description)))
    assert kinds_of(content) == ([NoteKind.PICTURE_NOT_READ] if is_gap else [])
    assert ("Map of the network" in read(content).text) == (description == "Map of the network")


def test_old_pictures_have_a_size_too() -> None:
    """A picture in the old drawing language is a gap by its size in points."""
    shape = '<v:shape style="width:{}pt;height:{}pt"><v:imagedata/></v:shape>'
    old = f"<w:r><w:pict>{shape}</w:pict></w:r>"
    assert kinds_of(word(paragraph(old.format(468, 600)))) == [NoteKind.PICTURE_NOT_READ]
    assert kinds_of(word(paragraph(old.format(80, 30)))) == []


def test_embedded_objects_are_gaps() -> None:
    """A workbook or another document inside the file was not read, and that is told."""
    embedded = (
        '<w:r><w:object><v:shape/><o:OLEObject ProgID="Excel.Sheet.12" r:id="r1"/></w:object></w:r>'
    )
    document = read(word(paragraph("Rates:") + paragraph(embedded) + '<w:altChunk r:id="r2"/>'))
    (note,) = document.notes
    assert (note.kind, note.is_gap) == (NoteKind.PART_NOT_READ, True)
    assert note.message.startswith("2 embedded objects")


def test_pages_within_the_document_are_read() -> None:
    """A part in HTML, which Word shows in its place, is read there."""
    rels = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="h1" Type="http://x/aFChunk" Target="chunk.html"/></Relationships>'
    )
    page = "<table><tr><th>Plan<th>Copay<tr><td>Gold<td>$250<sup>1</sup></table>"
    parts = {"word/_rels/document.xml.rels": rels, "word/chunk.html": page}
    document = read(word(paragraph("Rates:") + '<w:altChunk r:id="h1"/>', parts=parts))
    assert document.text.endswith("| Gold | $250 [1] |")
    assert document.notes == ()


def test_charts_are_tables() -> None:
    """A chart leaves its title and the numbers that it draws."""

    def points(*values: str) -> str:
        return "".join(
            f'<c:pt idx="{n}"><c:v>{value}</c:v></c:pt>' for n, value in enumerate(values)
        )

    chart = (
        "<c:chart><c:title><a:t>Premium by age</a:t></c:title><c:plotArea><c:ser>"
        f"<c:tx>{points('Gold')}</c:tx><c:cat>{points('20', '30')}</c:cat>"
        f"<c:val>{points('101.10000000000001', '150')}</c:val></c:ser></c:plotArea></c:chart>"
    )
    graphic = '<a:graphic><c:chart r:id="c1"/></a:graphic>'
    drawing = f"<w:r><w:drawing><wp:inline>{graphic}</wp:inline></w:drawing></w:r>"
    document = read(word(paragraph(drawing), chart_c1=chart))
    assert document.text.startswith("**Premium by age**\n\n|  | Gold |")
    assert document.pages[0].tables[0].rows == (("20", "101.1"), ("30", "150"))
    assert kinds_of(word(paragraph(drawing))) == [NoteKind.PART_NOT_READ]


def test_diagrams_leave_their_words() -> None:
    """The boxes of a diagram are list items."""
    data = "".join(
        f"<dgm:pt><a:p><a:t>{text}</a:t></a:p></dgm:pt>" for text in ("Call us", "We pay")
    )
    drawing = '<w:r><w:drawing><wp:inline><dgm:relIds r:dm="d1"/></wp:inline></w:drawing></w:r>'
    assert text_of(paragraph(drawing), diagramData_d1=data) == "- Call us\n- We pay"


def test_facts_are_the_documents_properties() -> None:
    """Title, author and dates that the file names go with the document."""
    core = (
        '<cp:coreProperties xmlns:cp="urn:cp" xmlns:dc="urn:dc" xmlns:dcterms="urn:t">'
        "<dc:title> Homeowners  policy </dc:title><dc:creator>A. Author</dc:creator>"
        "<dcterms:created>2026-01-05T10:00:00Z</dcterms:created><dc:subject/>"
        "</cp:coreProperties>"
    )
    document = read(word(paragraph("Text."), parts={"docProps/core.xml": core}))
    assert document.facts == {
        "title": "Homeowners policy",
        "author": "A. Author",
        "created": "2026-01-05T10:00:00Z",
    }


def test_emphasis_does_not_cut_words() -> None:
    """Bold words are marked; a bold letter in a word, or a wholly bold heading or cell, is not."""
    bold = "<w:b/>"
    text = text_of(
        paragraph(run("Exclusions", bold), '<w:pStyle w:val="Heading2"/>')
        + paragraph(
            run("Pays ")
            + run("80", bold)
            + run("%", bold)
            + run(". ")
            + run("D", bold)
            + run("eductible")
        )
        + table(cell(paragraph(run("Plan", bold))) + cell("Copay"), cell("a") + cell("b"))
    )
    assert text.startswith("## Exclusions\n\nPays **80%**. Deductible\n\n| Plan | Copay |")


def test_special_characters_of_lines() -> None:
    """Tabs are spaces, breaks are line breaks, hyphens that do not break are hyphens."""
    inside = (
        "<w:r><w:t>ILL</w:t><w:noBreakHyphen/><w:t>NESS</w:t><w:tab/><w:t>a</w:t><w:br/>"
        "<w:t>b</w:t><w:softHyphen/><w:t>c</w:t></w:r>"
        "<w:r><w:ruby><w:rt><w:r><w:t>とう</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>東</w:t></w:r>"
        "</w:rubyBase></w:ruby></w:r>"
    )
    assert text_of(paragraph(inside)) == "ILL-NESS a\nbc東(とう)"
