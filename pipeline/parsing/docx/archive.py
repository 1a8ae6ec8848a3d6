"""Inspects a DOCX before anything unpacks it: zip bombs and hostile XML end here."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.options import MIB

MAX_ENTRIES = 5_000
MAX_XML_BYTES = 96 * MIB
"""All XML parts of a document together, unpacked. A 1,000-page contract has about 20 MiB."""
MAX_TOTAL_BYTES = 1024 * MIB

_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError, NotImplementedError,
)  # fmt: skip


@contextmanager
def checked_archive(content: bytes) -> Iterator[zipfile.ZipFile]:
    """A DOCX as an open archive that is safe to read.

    Raises:
        ParseError: BROKEN, ENCRYPTED, TOO_LARGE (unpacked), or UNSUPPORTED_TYPE for XML that
            declares entities, which no word processor writes.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sizes(archive.infolist())
            _check_xml(archive)
            yield archive
    except _BROKEN_ZIP as error:
        raise ParseError(
            ParseCode.BROKEN, "The Word file is damaged: its archive cannot be unpacked."
        ) from error
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise ParseError(
            ParseCode.ENCRYPTED, "The Word file is protected with a password."
        ) from error


def _check_sizes(entries: list[zipfile.ZipInfo]) -> None:
    # The sizes that the archive declares bind the reader too: zipfile never unpacks more.
    xml = sum(entry.file_size for entry in entries if _is_xml(entry))
    total = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_ENTRIES:
        _refuse(f"has {len(entries):,} parts, more than {MAX_ENTRIES:,}")
    if xml > MAX_XML_BYTES or total > MAX_TOTAL_BYTES:
        _refuse(f"unpacks to {max(xml, total) // MIB:,} MiB, far more than a document needs")


def _refuse(what: str) -> None:
    raise ParseError(ParseCode.TOO_LARGE, f"The Word file {what}.")


def _is_xml(entry: zipfile.ZipInfo) -> bool:
    return entry.filename.lower().endswith((".xml", ".rels", ".vml"))


def _check_xml(archive: zipfile.ZipFile) -> None:
    from xml.sax import SAXException
    from xml.sax.handler import ContentHandler

    from defusedxml.common import DefusedXmlException
    from defusedxml.sax import parse

    for entry in filter(_is_xml, archive.infolist()):
        try:
            with archive.open(entry) as part:
                parse(part, ContentHandler(), forbid_dtd=True)
        except DefusedXmlException as error:
            message = "The Word file declares XML entities, which a word processor never does."
            raise ParseError(ParseCode.UNSUPPORTED_TYPE, message) from error
        except SAXException as error:
            message = "The Word file is damaged: a part of it is not well-formed XML."
            raise ParseError(ParseCode.BROKEN, message) from error
