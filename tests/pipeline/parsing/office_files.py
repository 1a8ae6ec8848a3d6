"""Workbooks, letters, archives and presentations for the parsing tests, made in memory."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from email.message import EmailMessage

from openpyxl import Workbook


def zipped(files: Mapping[str, bytes | str]) -> bytes:
    """A ZIP of files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def saved(book: Workbook) -> bytes:
    """The bytes of a workbook."""
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def rate_workbook() -> bytes:
    """Premiums by age under two levels of names, discounts, and what a reader does not see."""
    book = Workbook()
    rates = book.active
    assert rates is not None
    rates.title = "Monthly rates"
    for row in (
        ["Premium for 100,000 dollars", None, None],
        ["Age", "Non-smoker", None],
        [None, "Male", "Female"],
        [30, 1250, 9.5],
        [31, 1300.5, 10.25],
        [32, 1400, 11],
    ):
        rates.append(row)
    for area in ("A1:C1", "A2:A3", "B2:C2"):
        rates.merge_cells(area)
    for row in rates.iter_rows(min_row=4, min_col=2):
        for cell in row:
            cell.number_format = '"$"#,##0.00'
    rates.row_dimensions[6].hidden = True
    discounts = book.create_sheet("Discounts")
    for discount in (["Discount", "Rate", "Since"], ["Loyalty", 0.05, date(2026, 1, 31)]):
        discounts.append(discount)
    discounts["B2"].number_format = "0%"
    book.create_sheet("Empty")
    secret = book.create_sheet("Margins")
    secret.append(["Internal margin", 0.4])
    secret.sheet_state = "hidden"
    return saved(book)


def letter(
    text: str = "The kitchen was flooded.",
    *,
    html: str = "",
    files: Sequence[tuple[str, str, bytes]] = (),
    inside: EmailMessage | None = None,
    headers: Mapping[str, str] | None = None,
) -> EmailMessage:
    """An e-mail.

    Args:
        files: name, content type and bytes of each attachment.
        inside: a message that is attached.
    """
    made = EmailMessage()
    usual = {"From": "Jana Nováková <jana@example.com>", "To": "claims@example.com"}
    for name, value in {**usual, "Subject": "Claim 77 – kitchen", **(headers or {})}.items():
        made[name] = value
    made.set_content(text)
    if html:
        made.add_alternative(html, subtype="html")
    for name, kind, content in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(content, maintype=main, subtype=sub, filename=name)
    if inside is not None:
        made.add_attachment(inside)
    return made


_A = "http://schemas.openxmlformats.org/drawingml/2006/main"
_P = "http://schemas.openxmlformats.org/presentationml/2006/main"
_R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"


def _shape(text: str, kind: str = "", paragraph: str = "") -> str:
    placeholder = f'<p:ph type="{kind}"/>' if kind else ""
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="1" name="x"/><p:cNvSpPr/><p:nvPr>{placeholder}</p:nvPr>'
        f"</p:nvSpPr><p:txBody><a:p>{paragraph}<a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp>"
    )


def _slide(shapes: str, show: str = "1") -> str:
    return (
        f'<p:sld xmlns:p="{_P}" xmlns:a="{_A}" show="{show}"><p:cSld><p:spTree>{shapes}'
        "</p:spTree></p:cSld></p:sld>"
    )


def presentation() -> bytes:
    """Three slides: a title with a list and a table, a hidden one, and one with spoken notes."""
    table = (
        '<p:graphicFrame><p:nvGraphicFramePr><p:cNvPr id="2" name="t"/></p:nvGraphicFramePr>'
        "<a:graphic><a:graphicData><a:tbl>"
        "<a:tr><a:tc><a:txBody><a:p><a:r><a:t>Plan</a:t></a:r></a:p></a:txBody></a:tc>"
        "<a:tc><a:txBody><a:p><a:r><a:t>Copay</a:t></a:r></a:p></a:txBody></a:tc></a:tr>"
        '<a:tr><a:tc rowSpan="2"><a:txBody><a:p><a:r><a:t>Gold</a:t></a:r></a:p></a:txBody></a:tc>'
        "<a:tc><a:txBody><a:p><a:r><a:t>$10</a:t></a:r></a:p></a:txBody></a:tc></a:tr>"
        '<a:tr><a:tc vMerge="1"><a:txBody><a:p/></a:txBody></a:tc>'
        "<a:tc><a:txBody><a:p><a:r><a:t>$20</a:t></a:r></a:p></a:txBody></a:tc></a:tr>"
        "</a:tbl></a:graphicData></a:graphic></p:graphicFrame>"
    )
    bullet = '<a:pPr lvl="0"><a:buChar char="•"/></a:pPr>'
    slides = [
        _slide(
            _shape("Benefits 2026", "title")
            + _shape("Dental is covered", "body", bullet)
            + _shape("7", "sldNum")
            + table
        ),
        _slide(_shape("Never shown"), show="0"),
        _slide(_shape("Questions", "title")),
    ]
    notes = (
        f'<p:notes xmlns:p="{_P}" xmlns:a="{_A}"><p:cSld><p:spTree>'
        f"{_shape('Mention the waiting period.', 'body')}</p:spTree></p:cSld></p:notes>"
    )
    ids = "".join(f'<p:sldId id="{256 + n}" r:id="rId{n}"/>' for n in (1, 2, 3))
    related = "".join(
        f'<Relationship Id="rId{n}" Type="{_R}/slide" Target="slides/slide{n}.xml"/>'
        for n in (1, 2, 3)
    )
    return zipped(
        {
            "[Content_Types].xml": "<Types/>",
            "ppt/presentation.xml": f'<p:presentation xmlns:p="{_P}" xmlns:r="{_R}">'
            f"<p:sldIdLst>{ids}</p:sldIdLst></p:presentation>",
            "ppt/_rels/presentation.xml.rels": f'<Relationships xmlns="{_RELS}">{related}'
            "</Relationships>",
            **{f"ppt/slides/slide{n}.xml": slide for n, slide in enumerate(slides, 1)},
            "ppt/slides/_rels/slide3.xml.rels": f'<Relationships xmlns="{_RELS}"><Relationship '
            f'Id="rId1" Type="{_R}/notesSlide" Target="../notesSlides/notesSlide1.xml"/>'
            "</Relationships>",
            "ppt/notesSlides/notesSlide1.xml": notes,
        }
    )


_OFFICE = (
    'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" '
    'xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0" '
    'xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0" '
    'xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"'
)


def open_document(kind: str, body: str, styles: str = "") -> bytes:
    """An OpenDocument file.

    Args:
        kind: text, spreadsheet or presentation.
    """
    content = (
        f"<office:document-content {_OFFICE}><office:automatic-styles>{styles}"
        f"</office:automatic-styles><office:body><office:{kind}>{body}</office:{kind}>"
        "</office:body></office:document-content>"
    )
    mimetype = f"application/vnd.oasis.opendocument.{kind}"
    return zipped({"mimetype": mimetype, "content.xml": content})
