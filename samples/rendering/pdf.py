"""PDF: a coloured band with the insurer's name, one or two columns, tables with a repeated head.

The bytes depend on the source only: dates are fixed (`invariant`) and streams are not compressed,
because compressors differ from machine to machine.
"""

from __future__ import annotations

from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import reportlab
from reportlab.lib.colors import Color, HexColor, white
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import letter
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import inch
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    Flowable,
    Frame,
    NextPageTemplate,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    TableStyle,
)
from reportlab.platypus import Table as PdfTable

from samples.rendering import source
from samples.rendering.source import Block, Line, Source

PAGE_WIDTH, PAGE_HEIGHT = letter
MARGIN = 0.8 * inch
BAND = 0.55 * inch
GUTTER = 0.3 * inch
HEADING_SIZES = {1: 20.0, 2: 14.0, 3: 11.5}
INK = HexColor("#1d2430")
RULE = HexColor("#c3c9d2")
STRIPE = HexColor("#f3f5f8")


def render_pdf(document: Source) -> bytes:
    """The source as a PDF file."""
    return _Layout(document.settings).render(source.read_blocks(document.markdown))


class _Layout:
    """The look of one document, from its settings."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.accent: Color = HexColor(settings["color"])
        self.columns = int(settings.get("columns", 1))
        self.size = float(settings.get("font_size", 9.5))
        self.font, self.bold = _font_pair(bool(settings.get("embed_font")))
        self.width = PAGE_WIDTH - 2 * MARGIN

    def render(self, blocks: list[Block]) -> bytes:
        out = BytesIO()
        document = BaseDocTemplate(
            out,
            pagesize=letter,
            invariant=1,
            pageCompression=0,
            title=self.settings["title"],
            author=self.settings["insurer"],
            encrypt=self._encryption(),
        )
        document.addPageTemplates(self._templates())
        document.build([flowable for block in blocks for flowable in self._flowables(block)])
        return out.getvalue()

    def _encryption(self) -> StandardEncryption | None:
        password = self.settings.get("password")
        return StandardEncryption(password, password + "-owner", strength=128) if password else None

    def _templates(self) -> list[PageTemplate]:
        return [
            PageTemplate("full", [self._frame(0, 1)], onPage=self._paint_page),
            PageTemplate(
                "columns",
                [self._frame(column, self.columns) for column in range(self.columns)],
                onPage=self._paint_page,
            ),
        ]

    def _frame(self, column: int, columns: int) -> Frame:
        width = (self.width - GUTTER * (columns - 1)) / columns
        left = MARGIN + column * (width + GUTTER)
        height = PAGE_HEIGHT - 1.9 * inch
        return Frame(left, 0.85 * inch, width, height, 0, 0, 0, 0)

    def _paint_page(self, canvas: Canvas, document: BaseDocTemplate) -> None:
        canvas.setFillColor(self.accent)
        canvas.rect(0, PAGE_HEIGHT - BAND, PAGE_WIDTH, BAND, stroke=0, fill=1)
        canvas.setFillColor(white)
        canvas.setFont(self.bold, 10)
        canvas.drawString(MARGIN, PAGE_HEIGHT - 0.34 * inch, self.settings["insurer"])
        canvas.setFont(self.font, 8)
        canvas.drawRightString(
            PAGE_WIDTH - MARGIN, PAGE_HEIGHT - 0.34 * inch, self.settings["reference"]
        )
        canvas.setStrokeColor(RULE)
        canvas.line(MARGIN, 0.68 * inch, PAGE_WIDTH - MARGIN, 0.68 * inch)
        canvas.setFillColor(INK)
        canvas.drawString(MARGIN, 0.5 * inch, self.settings["footer"])
        canvas.drawRightString(PAGE_WIDTH - MARGIN, 0.5 * inch, f"Page {document.page}")

    def _flowables(self, block: Block) -> list[Flowable]:
        match block:
            case source.Heading(level, line):
                return [Paragraph(self._markup(line), self._heading(level))]
            case source.Paragraph(line):
                return [Paragraph(self._markup(line), self._body(spaceAfter=5))]
            case source.ListItem(marker, line):
                style = self._body(leftIndent=14, bulletIndent=2, spaceAfter=2.5)
                return [Paragraph(self._markup(line), style, bulletText=marker)]
            case source.Table():
                return [Spacer(1, 4), self._table(block), Spacer(1, 12)]
            case source.PageBreak(in_columns):
                return [NextPageTemplate("columns" if in_columns else "full"), PageBreak()]

    def _table(self, table: source.Table) -> PdfTable:
        right = [self._body(alignment=TA_RIGHT) if flag else self._body() for flag in table.right]
        head = [self._head(style) for style in right]
        cells = [
            [
                Paragraph(self._markup(line), style)
                for line, style in zip(row, head if number == 0 else right, strict=True)
            ]
            for number, row in enumerate(table.rows)
        ]
        made = PdfTable(cells, colWidths=_column_shares(table), repeatRows=1)
        made.setStyle(
            TableStyle(
                [
                    ("BACKGROUND", (0, 0), (-1, 0), self.accent),
                    ("ROWBACKGROUNDS", (0, 1), (-1, -1), [white, STRIPE]),
                    ("GRID", (0, 0), (-1, -1), 0.4, RULE),
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("TOPPADDING", (0, 0), (-1, -1), 3),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 3.5),
                ]
            )
        )
        return made

    def _heading(self, level: int) -> ParagraphStyle:
        size = HEADING_SIZES[level]
        return ParagraphStyle(
            f"heading {level}",
            fontName=self.bold,
            fontSize=size,
            leading=size * 1.2,
            textColor=self.accent if level < 3 else INK,
            spaceBefore=size * 0.6,
            spaceAfter=size * 0.35,
            keepWithNext=1,
        )

    def _body(self, **changes: Any) -> ParagraphStyle:
        return ParagraphStyle(
            "body",
            fontName=self.font,
            fontSize=self.size,
            leading=self.size * 1.32,
            textColor=INK,
            **changes,
        )

    def _head(self, style: ParagraphStyle) -> ParagraphStyle:
        return ParagraphStyle("head", style, fontName=self.bold, textColor=white)

    def _markup(self, line: Line) -> str:
        return "".join(
            f'<font name="{self.bold}">{escape(span.text)}</font>'
            if span.bold
            else escape(span.text)
            for span in line
        )


def _column_shares(table: source.Table) -> list[str]:
    """Shares of the frame's width by each column's longest cell, within a factor of four."""
    longest = [
        max(sum(len(span.text) for span in row[column]) for row in table.rows)
        for column in range(len(table.right))
    ]
    shares = [min(max(length, 12), 48) for length in longest]
    return [f"{100 * share / sum(shares):.3f}%" for share in shares]


def _font_pair(embedded: bool) -> tuple[str, str]:
    """Regular and bold: the reader's own Helvetica, or Vera, which comes with reportlab."""
    if not embedded:
        return "Helvetica", "Helvetica-Bold"
    folder = Path(reportlab.__file__).parent / "fonts"
    pdfmetrics.registerFont(TTFont("Vera", folder / "Vera.ttf"))
    pdfmetrics.registerFont(TTFont("VeraBd", folder / "VeraBd.ttf"))
    return "Vera", "VeraBd"
