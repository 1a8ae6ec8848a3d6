"""Parsers that a hostile file has led astray; a worker imports them by name."""

from __future__ import annotations

import ctypes
import os
import sys
import time

from pipeline.documents import ParsedDocument, ParsedPage
from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.media import MediaType
from pipeline.parsing.options import ParseOptions
from pipeline.parsing.sniffing import sniff_bytes


def obey(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """Do what the content says; any other content is given back, with the worker's pid."""
    order, _, argument = content.partition(b":")
    match order:
        case b"hang":
            time.sleep(600)
        case b"spin":
            while True:
                pass
        case b"eat":
            hoard = [bytearray(os.urandom(1024) * 1024 * 8) for _ in range(10_000)]
            del hoard
        case b"grab":
            bytearray(1 << 40)
        case b"segfault":
            ctypes.string_at(0)
        case b"exit":
            os._exit(int(argument))
        case b"raise":
            raise ValueError("secret words of the document")
        case b"refuse":
            raise ParseError(ParseCode.BROKEN, "The file is torn.")
        case b"print":
            print("noise")  # noqa: T201
            os.write(1, b"more noise\n")
            sys.stdout.flush()
        case b"environment":
            return _document("\n".join(sorted(os.environ)))
    return _document(f"{os.getpid()} {len(content)} {media_type.name}")


def rescue(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """What is tried when `obey` has crashed."""
    return _document("rescued")


def spin(
    content: bytes, media_type: MediaType, options: ParseOptions, *, name: str, remote: bool
) -> bytes:
    """Never tell the kind of ``spin``; of anything else tell it as always."""
    while content == b"spin":
        pass
    return sniff_bytes(content, media_type, options, name=name, remote=remote)


def _document(text: str) -> ParsedDocument:
    return ParsedDocument((ParsedPage(1, text),), False, "obey-1", "none")


def draw_as_told(
    content: bytes, media_type: MediaType, options: ParseOptions, *, page: int, width: int
) -> bytes:
    """Do what the content says instead of drawing; any other content is the picture."""
    obey(content, media_type, options)
    return b"%d %d %s" % (page, width, content)


def burn(content: bytes, media_type: MediaType, options: ParseOptions) -> ParsedDocument:
    """Keep the processor busy for two seconds, whatever the document is."""
    end = time.process_time() + 2
    while time.process_time() < end:
        pass
    return ParsedDocument((ParsedPage(1, "burnt"),), False, "hostile-1", "none")


def convert_as_told(content: bytes, media_type: MediaType, options: ParseOptions) -> bytes:
    """Start a process that outlives the document, and give back its id."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
    return b"%d" % child
