"""Opens office files that are ZIP containers (XLSX, PPTX, ODT …), within limits."""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from lzma import LZMAError
from typing import TYPE_CHECKING

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.options import MIB

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_ENTRIES = 10_000
MAX_XML_BYTES = 256 * MIB
MAX_TOTAL_BYTES = 1024 * MIB

_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, LZMAError, EOFError, OSError, ValueError, NotImplementedError,
    KeyError,
)  # fmt: skip


@contextmanager
def opened_package(content: bytes, what: str) -> Iterator[zipfile.ZipFile]:
    """An office file as an open archive that does not unpack beyond reason.

    Args:
        what: the file in a message, e.g. ``The workbook``.

    Raises:
        ParseError: BROKEN, ENCRYPTED, TOO_LARGE (unpacked) or UNSUPPORTED_TYPE (hostile XML).
    """
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError as XmlError

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            _check_sizes(archive.infolist(), what)
            yield archive
    except ParseError:
        raise
    except DefusedXmlException as error:
        message = f"{what} declares XML entities, which an office program never does."
        raise ParseError(ParseCode.UNSUPPORTED_TYPE, message) from error
    except XmlError as error:
        message = f"{what} is damaged: a part of it is not well-formed XML."
        raise ParseError(ParseCode.BROKEN, message) from error
    except _BROKEN_ZIP as error:
        message = f"{what} is damaged: a part of it is missing or cannot be unpacked."
        raise ParseError(ParseCode.BROKEN, message) from error
    except RuntimeError as error:
        if "password" not in str(error) and "encrypted" not in str(error):
            raise
        raise ParseError(ParseCode.ENCRYPTED, f"{what} is protected with a password.") from error


def _check_sizes(entries: list[zipfile.ZipInfo], what: str) -> None:
    xml = sum(
        each.file_size for each in entries if each.filename.lower().endswith((".xml", ".bin"))
    )
    total = sum(each.file_size for each in entries)
    if len(entries) > MAX_ENTRIES:
        message = f"{what} has {len(entries):,} parts, more than {MAX_ENTRIES:,}."
        raise ParseError(ParseCode.TOO_LARGE, message)
    if xml > MAX_XML_BYTES or total > MAX_TOTAL_BYTES:
        size = f"{max(xml, total) // MIB:,} MiB"
        message = f"{what} unpacks to {size}, far more than a document needs."
        raise ParseError(ParseCode.TOO_LARGE, message)


def xml_part(archive: zipfile.ZipFile, name: str) -> Element:
    """The root element of a part; entities are refused."""
    from defusedxml.ElementTree import fromstring

    root: Element = fromstring(archive.read(name), forbid_dtd=True)
    return root
