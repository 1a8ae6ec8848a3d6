"""Word files made of literal XML, with just the parts that a test needs."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from pipeline.documents import ParsedDocument
from pipeline.parsing.local import parse_bytes
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    f'xmlns:r="{_OFFICE}" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office"'
)
_STRICT = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": (
        "http://purl.oclc.org/ooxml/wordprocessingml/main"
    ),
    _OFFICE: "http://purl.oclc.org/ooxml/officeDocument/relationships",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": (
        "http://purl.oclc.org/ooxml/officeDocument/math"
    ),
    "http://schemas.openxmlformats.org/drawingml/2006/": "http://purl.oclc.org/ooxml/drawingml/",
}
STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/></w:style>'
    for n in (1, 2, 3)
)


def word(
    body: str, *, strict: bool = False, parts: Mapping[str, str] | None = None, **related: str
) -> bytes:
    """A Word file with this body; `related` holds the contents of its other parts by their kind.

    A key may name a part's id, too: ``header_rId7``. `parts` are added as they are.
    """
    relationships, files = "", {}
    for name, content in {"styles": STYLES, **related}.items():
        kind, _, own_id = name.partition("_")
        root = {"numbering": "w:numbering", "header": "w:hdr", "footer": "w:ftr"}.get(kind)
        root = root or {"chart": "c:chartSpace", "diagramData": "dgm:dataModel"}.get(
            kind, f"w:{kind}"
        )
        files[f"word/{name}.xml"] = f"<{root} {NAMESPACES}>{content}</{root}>"
        relationships += _relationship(own_id or f"r_{name}", kind, f"{name}.xml")
    files["word/document.xml"] = f"<w:document {NAMESPACES}><w:body>{body}</w:body></w:document>"
    files["word/_rels/document.xml.rels"] = _relationships(relationships)
    files["_rels/.rels"] = _relationships(
        _relationship("rId1", "officeDocument", "word/document.xml")
        + _relationship("rId2", "core-properties", "docProps/core.xml")
    )
    files |= parts or {}
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            for transitional, own in _STRICT.items() if strict else ():
                text = text.replace(transitional, own)
            archive.writestr(name, text)
    return out.getvalue()


def _relationships(inside: str) -> str:
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{namespace}">{inside}</Relationships>'


def _relationship(own_id: str, kind: str, target: str) -> str:
    return f'<Relationship Id="{own_id}" Type="{_OFFICE}/{kind}" Target="{target}"/>'


def read(content: bytes) -> ParsedDocument:
    """A Word file as the parser returns it."""
    return parse_bytes(content, MediaType.DOCX, ParseOptions())


def text_of(body: str, **related: str) -> str:
    """The Markdown of a Word file with this body."""
    return read(word(body, strict=False, parts=None, **related)).text


def run(text: str, properties: str = "") -> str:
    """A run of text."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inside: str, properties: str = "") -> str:
    """A paragraph of runs, or of plain text."""
    inside = inside if inside.startswith("<") else run(inside)
    return f"<w:p><w:pPr>{properties}</w:pPr>{inside}</w:p>"


def numbered(text: str, level: int, number_id: int = 1, properties: str = "") -> str:
    """A paragraph of a list."""
    own = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number_id}"/></w:numPr>'
    return paragraph(text, properties + own)


def level(at: int, number_format: str, text: str, more: str = "", start: int = 1) -> str:
    """A level of a numbering definition."""
    return (
        f'<w:lvl w:ilvl="{at}"><w:start w:val="{start}"/><w:numFmt w:val="{number_format}"/>{more}'
        f'<w:lvlText w:val="{text}"/></w:lvl>'
    )


def numbering(
    *levels: str, lists: str = '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num>'
) -> str:
    """A numbering part with one definition."""
    return f'<w:abstractNum w:abstractNumId="0">{"".join(levels)}</w:abstractNum>{lists}'


def cell(text: str, properties: str = "") -> str:
    """A cell of a table, from text or from blocks."""
    inside = text if text.startswith("<w:") else paragraph(text)
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{inside}</w:tc>"


def table(*rows: str) -> str:
    """A table of rows of cells."""
    return f"<w:tbl>{''.join(f'<w:tr>{row}</w:tr>' for row in rows)}</w:tbl>"
