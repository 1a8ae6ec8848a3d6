"""Parses RTF: as Markdown, and as Outlook packs it into a message."""

from __future__ import annotations

import re

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.flowing.tables_in_markdown import table_markdown
from pipeline.parsing.options import MIB, ParseOptions
from pipeline.parsing.reading import Reading, one_page

_MAX_UNPACKED = 64 * MIB
# What every packed text begins with, so that short ones pack well (MS-OXRTFCP, 2.1.3.1.3).
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern "
    b"\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0"
    b"\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_BREAKS = re.compile(r"\n{3,}")


def read(content: bytes, options: ParseOptions) -> Reading:
    """Reads an RTF document; its tables are rows of cells.

    Raises:
        ParseError: EMPTY or BROKEN.
    """
    return one_page(_markdown(content))


def _markdown(content: bytes) -> str:
    from striprtf.striprtf import rtf_to_text

    try:
        text: str = rtf_to_text(  # type: ignore[no-untyped-call]
            content.decode("latin-1"), encoding="cp1252", errors="replace"
        )
    except (MemoryError, RecursionError):
        raise
    except Exception as error:  # whatever a strange document leads the library into
        message = "The RTF document is damaged: its text cannot be read."
        raise ParseError(ParseCode.BROKEN, message) from error
    return _BREAKS.sub("\n\n", "\n".join(_with_tables(text.split("\n")))).strip()


def _with_tables(lines: list[str]) -> list[str]:
    """The lines, each group of rows as a table; the library ends every cell with a bar."""
    out: list[str] = []
    rows: list[list[str]] = []
    for line in [*lines, ""]:
        if line.rstrip().endswith("|") and line.count("|") > 1:
            rows.append(line.rstrip().removesuffix("|").split("|"))
            continue
        if rows:
            out += ["", table_markdown(rows[0], rows[1:]), ""]
            rows = []
        out += [line.rstrip(), ""] if line.strip() else [""]
    return out


def compressed_text(packed: bytes) -> str:
    """The text of an RTF document as Outlook packs it.

    Raises:
        ParseError: BROKEN or TOO_LARGE.
    """
    return _markdown(_unpacked(packed))


def _unpacked(packed: bytes) -> bytes:
    if packed[8:12] == b"MELA":
        return packed[16:]
    if packed[8:12] != b"LZFu":
        raise ParseError(ParseCode.BROKEN, "The letter's text is packed in an unknown way.")
    size = int.from_bytes(packed[4:8], "little")
    if size > _MAX_UNPACKED:
        raise ParseError(ParseCode.TOO_LARGE, "The letter's text unpacks to far too much.")
    out = bytearray(_DICTIONARY)
    at, end = 16, len(packed)
    while at < end and len(out) < size + len(_DICTIONARY):
        control = packed[at]
        at += 1
        for bit in range(8):
            if at + (control >> bit & 1) >= end:
                break
            if not control >> bit & 1:
                out.append(packed[at])
                at += 1
                continue
            token = packed[at] << 8 | packed[at + 1]
            at += 2
            # offsets are into a ring of 4,096 bytes
            back = (len(out) - (token >> 4)) % 4096
            if back == 0:
                return bytes(out[len(_DICTIONARY) :])
            if back > len(out):
                raise ParseError(ParseCode.BROKEN, "The letter's packed text is damaged.")
            for _ in range((token & 15) + 2):
                out.append(out[-back])
    return bytes(out[len(_DICTIONARY) : len(_DICTIONARY) + size])
