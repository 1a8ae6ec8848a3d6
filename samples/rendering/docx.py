"""DOCX: Word's own heading, list and table styles. Packed without compression and with fixed
dates, so that the bytes depend on the source only."""

from __future__ import annotations

from datetime import datetime
from io import BytesIO
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH, WD_BREAK
from docx.oxml import OxmlElement
from docx.shared import Pt, RGBColor
from docx.text.paragraph import Paragraph

from samples.rendering import source
from samples.rendering.source import Block, Line, Source

TABLE_STYLE = "Light Grid Accent 1"
FIXED_DATE = datetime(2026, 1, 1)
ZIP_DATE = (2026, 1, 1, 0, 0, 0)


def render_docx(document: Source) -> bytes:
    """The source as a Word document."""
    word = Document()
    _set_properties(word, document)
    for block in source.read_blocks(document.markdown):
        _add_block(word, block)
    _drop_unused(word)
    out = BytesIO()
    word.save(out)
    return _repack(out.getvalue())


def _set_properties(word: WordDocument, document: Source) -> None:
    settings, properties = document.settings, word.core_properties
    properties.title, properties.author = settings["title"], settings["insurer"]
    properties.last_modified_by = settings["insurer"]
    properties.created = properties.modified = FIXED_DATE
    word.styles["Normal"].font.size = Pt(10.5)
    color = RGBColor.from_string(settings["color"].removeprefix("#"))
    for level in (1, 2, 3):
        word.styles[f"Heading {level}"].font.color.rgb = color
    word.sections[0].header.paragraphs[0].text = f"{settings['insurer']}\t\t{settings['reference']}"
    word.sections[0].footer.paragraphs[0].text = settings["footer"]


def _add_block(word: WordDocument, block: Block) -> None:
    match block:
        case source.Heading(level, line):
            _add_spans(word.add_heading(level=level), line)
        case source.Paragraph(line):
            _add_spans(word.add_paragraph(), line)
        case source.ListItem(marker, line):
            style = "List Bullet" if marker == "•" else "List Number"
            _add_spans(word.add_paragraph(style=style), line)
        case source.Table():
            _add_table(word, block)
        case source.PageBreak():
            word.add_paragraph().add_run().add_break(WD_BREAK.PAGE)


def _add_table(word: WordDocument, table: source.Table) -> None:
    made = word.add_table(len(table.rows), len(table.right), style=TABLE_STYLE)
    # Readers, converters among them, know a head only by this mark.
    made.rows[0]._tr.get_or_add_trPr().append(OxmlElement("w:tblHeader"))
    for row, cells in zip(made.rows, table.rows, strict=True):
        for cell, line, right in zip(row.cells, cells, table.right, strict=True):
            _add_spans(cell.paragraphs[0], line)
            if right:
                cell.paragraphs[0].alignment = WD_ALIGN_PARAGRAPH.RIGHT
    word.add_paragraph()


def _add_spans(paragraph: Paragraph, line: Line) -> None:
    for span in line:
        paragraph.add_run(span.text).bold = span.bold or None


def _drop_unused(word: WordDocument) -> None:
    """Take out what the template brings along and nobody uses: most of its size."""
    for style in list(word.styles):
        if style.type == WD_STYLE_TYPE.TABLE and style.name not in (TABLE_STYLE, "Normal Table"):
            style.delete()
    for relations in (word.part.rels, word.part.package.rels):
        for key, relation in list(relations.items()):
            if relation.reltype.endswith(("/stylesWithEffects", "/thumbnail")):
                del relations[key]


def _repack(docx: bytes) -> bytes:
    out = BytesIO()
    with ZipFile(BytesIO(docx)) as old, ZipFile(out, "w", ZIP_STORED) as new:
        for name in old.namelist():
            new.writestr(ZipInfo(name, ZIP_DATE), old.read(name))
    return out.getvalue()
