"""Parses DOCX to Markdown as Word shows it: numbers of clauses, merged cells, fields, notes."""

from __future__ import annotations

from pipeline.errors import ParseError
from pipeline.parsing.docx.archive import checked_archive
from pipeline.parsing.docx.body import BodyReader
from pipeline.parsing.docx.context import Context
from pipeline.parsing.docx.facts import facts
from pipeline.parsing.docx.margins import margins
from pipeline.parsing.docx.names import child
from pipeline.parsing.docx.numbering import Numbering
from pipeline.parsing.docx.package import Package, damaged
from pipeline.parsing.docx.styles import Styles
from pipeline.parsing.flowing.blocks import ReadText, markdown_of


def read(content: bytes) -> ReadText:
    """The Markdown of a DOCX, its page headers first and its page footers last.

    Raises:
        ParseError: BROKEN, ENCRYPTED, TOO_LARGE or UNSUPPORTED_TYPE (hostile XML).
    """
    with checked_archive(content) as archive:
        try:
            return _read(Package(archive))
        except (ParseError, RecursionError, MemoryError):
            raise
        except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
            # A part that is there and is not what its name says.
            raise damaged() from error


def _read(package: Package) -> ReadText:
    body = package.document()
    styles = Styles(package.related("styles"))
    context = Context(package, styles, Numbering(package.related("numbering"), styles))
    settings = package.related("settings")
    context.take_formats(settings)
    if (section := child(body, "w:sectPr")) is not None:
        context.take_page_size(section)
    headers, footers = margins(context, body, settings)
    context.left_out.pictures = 0  # in a margin it is a logo
    with context.in_part(package.main):
        text = markdown_of(BodyReader(context).document(body))
    markdown = "\n\n".join(part for part in (headers, text, footers) if part)
    return ReadText(
        markdown,
        notes=tuple(context.left_out.notes()),
        facts=facts(package),
        scanned=not markdown and package.pictures() > 0,
    )
