"""DOCX to Markdown: mammoth reads the styles, markdownify writes headings, lists and tables."""

from __future__ import annotations

import io
import re
import zipfile
from typing import NamedTuple

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.archive import checked_archive

_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => h2:fresh
"""
_WORD = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_MARGIN = re.compile(r"word/(header|footer)\d*\.xml")
_DAMAGED = "The Word file is damaged: its document part is missing or cannot be read."


class DocxText(NamedTuple):
    """The Markdown of a Word document, and how many pictures stood in it."""

    markdown: str
    pictures: int


def to_markdown(content: bytes) -> DocxText:
    """The Markdown of a DOCX, its page headers first and its page footers last.

    Raises:
        ParseError: BROKEN, ENCRYPTED, TOO_LARGE or UNSUPPORTED_TYPE (hostile XML).
    """
    with checked_archive(content) as archive:
        headers, footers = _margins(archive)
        pictures = sum(name.startswith("word/media/") for name in archive.namelist())
    body = _body(content)
    return DocxText("\n\n".join(part for part in (headers, body, footers) if part), pictures)


def _body(content: bytes) -> str:
    import mammoth
    from bs4 import BeautifulSoup

    from pipeline.parsing.html import soup_to_markdown

    without_pictures = mammoth.images.img_element(lambda image: {"alt": image.alt_text or ""})
    try:
        result = mammoth.convert_to_html(
            io.BytesIO(content), style_map=_STYLES, convert_image=without_pictures
        )
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        # mammoth lets whatever its readers meet through: KeyError, AttributeError, OSError …
        raise ParseError(ParseCode.BROKEN, _DAMAGED) from error
    return soup_to_markdown(BeautifulSoup(result.value, "lxml"))


def _margins(archive: zipfile.ZipFile) -> tuple[str, str]:
    """Headers and footers, each line once: an effective date often stands only there."""
    lines: dict[str, list[str]] = {"header": [], "footer": []}
    for name in sorted(archive.namelist()):
        if match := _MARGIN.fullmatch(name):
            kept = lines[match[1]]
            kept.extend(line for line in _paragraphs(archive.read(name)) if line not in kept)
    return "\n\n".join(lines["header"]), "\n\n".join(lines["footer"])


def _paragraphs(xml: bytes) -> list[str]:
    from defusedxml.ElementTree import fromstring

    paragraphs = fromstring(xml, forbid_dtd=True).iter(f"{_WORD}p")
    texts = ("".join(t.text or "" for t in p.iter(f"{_WORD}t")) for p in paragraphs)
    return [" ".join(text.split()) for text in texts if re.search(r"[^\W\d]", text)]
