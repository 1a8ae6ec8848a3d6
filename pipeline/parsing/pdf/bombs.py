"""Finds decompression bombs in PDF streams before PDFium unpacks them."""

from __future__ import annotations

import re
import zlib

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.options import MIB

MAX_STREAM_BYTES = 32 * MIB
"""What one stream of text or drawing may unpack to; a crowded page has about 1 MiB."""

# Deflate packs at most 1,032 to 1: a smaller stream cannot reach the limit.
_SUSPICIOUS_BYTES = MAX_STREAM_BYTES // 1032
_STREAM = re.compile(rb"\bstream\r?\n")
_HEAD_BYTES = 2048
_STEP = MIB


def refuse_bombs(content: bytes) -> None:
    """Refuse a PDF with a stream, other than a picture, that unpacks beyond `MAX_STREAM_BYTES`.

    Raises:
        ParseError: TOO_LARGE.
    """
    position = 0
    while match := _STREAM.search(content, position):
        end = content.find(b"endstream", match.end())
        end = len(content) if end < 0 else end
        large = end - match.end() >= _SUSPICIOUS_BYTES
        if (
            large
            and _is_packed_text(content, match.start())
            and _explodes(content, match.end(), end)
        ):
            limit = MAX_STREAM_BYTES // MIB
            message = f"One page of the PDF unpacks to more than {limit} MiB of drawing."
            raise ParseError(ParseCode.TOO_LARGE, message)
        position = end


def _is_packed_text(content: bytes, stream: int) -> bool:
    head = content[max(0, stream - _HEAD_BYTES) : stream]
    head = head[head.rfind(b" obj") + 1 :]
    is_picture = re.search(rb"/Subtype\s*/Image\b", head) is not None
    return b"FlateDecode" in head and not is_picture


def _explodes(content: bytes, start: int, end: int) -> bool:
    unpacker, packed, size = zlib.decompressobj(), content[start:end], 0
    try:
        while packed and not unpacker.eof and size <= MAX_STREAM_BYTES:
            size += len(unpacker.decompress(packed, _STEP))
            packed = unpacker.unconsumed_tail
    except zlib.error:
        return False  # encrypted or damaged: PDFium decides
    return size > MAX_STREAM_BYTES
