"""A thousand mixed documents: every kind that is read without more programs, and broken ones.

Each is made of the benchmark's own made-up texts, so no two have the same bytes and the same number
gives the same words. What is broken is broken on purpose, and must end with a reason.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.message import EmailMessage
from html import escape
from pathlib import Path

from benchmarks.corpus import document
from samples.rendering.damage import truncate
from tests.pipeline.parsing import made_files, office_files

_DRAWING = "urn:oasis:names:tc:opendocument:xmlns:drawing:1.0"

Make = Callable[[str, Sequence[str]], bytes]
"""Bytes of a title and paragraphs."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of file.

    Attributes:
        share: how many of a hundred documents.
        broken: it cannot be read, and has to say why.
    """

    name: str
    suffix: str
    share: int
    make: Make
    broken: bool = False


@dataclass(frozen=True, slots=True)
class Made:
    """A file as it was written."""

    path: Path
    kind: Kind


def write_mixed(folder: Path, documents: int) -> list[Made]:
    """Write so many files into the folder, of all kinds by their shares, in a fixed order."""
    folder.mkdir(parents=True)
    order = [kind for kind in KINDS for _ in range(kind.share)]
    made = []
    for number in range(documents):
        # 37 has no factor in common with 100: each hundred holds every kind, mixed
        kind = order[number * 37 % len(order)]
        title, *paragraphs = document(number).strip().split("\n\n")
        path = folder / f"{number:04d}-{kind.name.replace(' ', '-')}{kind.suffix}"
        path.write_bytes(kind.make(title.lstrip("# "), paragraphs))
        made.append(Made(path, kind))
    return made


def _markdown(title: str, paragraphs: Sequence[str]) -> bytes:
    return "\n\n".join([f"# {title}", *paragraphs]).encode()


def _text(title: str, paragraphs: Sequence[str]) -> bytes:
    return "\n\n".join([title, *(each.lstrip("# ") for each in paragraphs)]).encode()


def _html(title: str, paragraphs: Sequence[str]) -> bytes:
    body = "".join(
        f"<h2>{escape(each.lstrip('# '))}</h2>"
        if each.startswith("#")
        else f"<p>{escape(each)}</p>"
        for each in paragraphs
    )
    page = f"<!doctype html><title>{title}</title><body><h1>{title}</h1>{body}</body>"
    return page.encode()


def _pdf(title: str, paragraphs: Sequence[str], password: str | None = None) -> bytes:
    from reportlab.lib.pdfencrypt import StandardEncryption
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Paragraph, SimpleDocTemplate

    out, styles = io.BytesIO(), getSampleStyleSheet()
    story: list[object] = [Paragraph(escape(title), styles["Title"])]
    story += [
        Paragraph(escape(each.lstrip("# ")), styles["Heading2" if each[0] == "#" else "BodyText"])
        for each in paragraphs
    ]
    encryption = StandardEncryption(password, "owner") if password else None
    SimpleDocTemplate(out, encrypt=encryption).build(story)
    return out.getvalue()


def _docx(title: str, paragraphs: Sequence[str]) -> bytes:
    from docx import Document

    word, out = Document(), io.BytesIO()
    word.add_heading(title, 0)
    for each in paragraphs:
        word.add_paragraph(each.lstrip("# "), style="Heading 2" if each[0] == "#" else None)
    word.save(out)
    return out.getvalue()


def _rows(title: str, paragraphs: Sequence[str]) -> list[list[str]]:
    return [["Clause", title], *([f"{n}", each] for n, each in enumerate(paragraphs, 1))]


def _delimited(delimiter: str) -> Make:
    def make(title: str, paragraphs: Sequence[str]) -> bytes:
        out = io.StringIO()
        csv.writer(out, delimiter=delimiter).writerows(_rows(title, paragraphs))
        return out.getvalue().encode()

    return make


def _xlsx(title: str, paragraphs: Sequence[str]) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in _rows(title, paragraphs):
        sheet.append(row)
    return office_files.saved(book)


def _xls(title: str, paragraphs: Sequence[str]) -> bytes:
    from xlwt import Workbook

    book, out = Workbook(), io.BytesIO()
    sheet = book.add_sheet("Clauses")
    for number, row in enumerate(_rows(title, paragraphs)):
        for column, value in enumerate(row):
            sheet.write(number, column, value)
    book.save(out)
    return out.getvalue()


def _pptx(title: str, paragraphs: Sequence[str]) -> bytes:
    """The tests' slides with this title and these words in their list."""
    words = {b"Benefits 2026": title, b"Dental is covered": paragraphs[0]}
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(office_files.presentation())) as slides,
        zipfile.ZipFile(out, "w") as renewed,
    ):
        for name in slides.namelist():
            content = slides.read(name)
            for old, new in words.items():
                content = content.replace(old, escape(new).encode())
            renewed.writestr(name, content)
    return out.getvalue()


def _open_document(kind: str) -> Make:
    def make(title: str, paragraphs: Sequence[str]) -> bytes:
        lines = [f"<text:p>{escape(each)}</text:p>" for each in (title, *paragraphs)]
        if kind == "text":
            return office_files.open_document(kind, "".join(lines))
        if kind == "presentation":
            box = f"<draw:frame><draw:text-box>{''.join(lines[:6])}</draw:text-box></draw:frame>"
            page = f"<draw:page xmlns:draw='{_DRAWING}'>{box}</draw:page>"
            return office_files.open_document(kind, page)
        cells = "".join(
            f"<table:table-row><table:table-cell office:value-type='string'>{line}"
            "</table:table-cell></table:table-row>"
            for line in lines
        )
        return office_files.open_document(
            kind, f"<table:table table:name='Clauses'>{cells}</table:table>"
        )

    return make


def _rtf(title: str, paragraphs: Sequence[str]) -> bytes:
    return ("{\\rtf1\\ansi " + "\\par ".join([title, *paragraphs]) + "\\par}").encode("ascii")


def _eml(title: str, paragraphs: Sequence[str]) -> bytes:
    return office_files.letter("\n\n".join(paragraphs), headers={"Subject": title}).as_bytes()


def _mhtml(title: str, paragraphs: Sequence[str]) -> bytes:
    page = EmailMessage()
    page["Subject"] = title
    page["MIME-Version"] = "1.0"
    page.set_content(_html(title, paragraphs).decode(), subtype="html")
    page.make_related()
    return page.as_bytes()


def _zip(title: str, paragraphs: Sequence[str]) -> bytes:
    return office_files.zipped({"policy.md": _markdown(title, paragraphs)})


def _locked(title: str, paragraphs: Sequence[str]) -> bytes:
    return _pdf(title, paragraphs, "a password that nobody gives")


def _cut_docx(title: str, paragraphs: Sequence[str]) -> bytes:
    return _docx(title, paragraphs)[:2000]


def _noise(title: str, paragraphs: Sequence[str]) -> bytes:
    return b"\x00\x9f\x92\x96" * 500 + title.encode()


def _scan(title: str, paragraphs: Sequence[str]) -> bytes:
    out = io.BytesIO()
    made_files.picture(paragraphs[0][:60]).save(out, "PDF")
    return out.getvalue()


def _png(title: str, paragraphs: Sequence[str]) -> bytes:
    out = io.BytesIO()
    made_files.picture(paragraphs[0][:60]).save(out, "PNG")
    return out.getvalue()


def _blank(title: str, paragraphs: Sequence[str]) -> bytes:
    return b" \n\t" * (len(title) + len(paragraphs[0]) % 50)


KINDS = (
    Kind("pdf", ".pdf", 20, _pdf),
    Kind("docx", ".docx", 14, _docx),
    Kind("markdown", ".md", 10, _markdown),
    Kind("text", ".txt", 6, _text),
    Kind("html", ".html", 6, _html),
    Kind("eml", ".eml", 8, _eml),
    Kind("zip", ".zip", 3, _zip),
    Kind("xlsx", ".xlsx", 6, _xlsx),
    Kind("xls", ".xls", 2, _xls),
    Kind("csv", ".csv", 3, _delimited(",")),
    Kind("tsv", ".tsv", 1, _delimited("\t")),
    Kind("pptx", ".pptx", 3, _pptx),
    Kind("odt", ".odt", 2, _open_document("text")),
    Kind("ods", ".ods", 1, _open_document("spreadsheet")),
    Kind("odp", ".odp", 1, _open_document("presentation")),
    Kind("rtf", ".rtf", 2, _rtf),
    Kind("mhtml", ".mhtml", 2, _mhtml),
    Kind("cut pdf", ".pdf", 2, lambda t, p: truncate(_pdf(t, p)), broken=True),
    Kind("locked pdf", ".pdf", 2, _locked, broken=True),
    Kind("cut docx", ".docx", 1, _cut_docx, broken=True),
    Kind("blank text", ".txt", 1, _blank, broken=True),
    Kind("noise", ".pdf", 1, _noise, broken=True),
    Kind("scan without OCR", ".pdf", 2, _scan, broken=True),
    Kind("picture without OCR", ".png", 1, _png, broken=True),
)
"""Of a hundred documents."""
