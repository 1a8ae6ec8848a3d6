"""Decodes plain text and Markdown: bytes to characters, and nothing else changed."""

from __future__ import annotations

import codecs

from pipeline.errors import ParseCode, ParseError
from pipeline.parsing.texts.encoding_detection import detected_encoding

_BOMS: tuple[tuple[bytes, str], ...] = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16: its mark begins with UTF-16's
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CONTROLS = bytes([*range(1, 9), *range(14, 27), 28, 29, 30, 31, 127])
_SAMPLE = 64 * 1024
_MAX_CONTROL_SHARE = 0.02
_MAX_NUL_SHARE = 0.3
# A file that is UTF-8 but for a few bytes is damaged UTF-8, not some other encoding.
_MAX_DAMAGE = 0.02


def decode(content: bytes) -> str:
    """The characters of a text file in whatever encoding it is.

    Tried in order: byte order mark, UTF-8, UTF-16 without a mark, damaged UTF-8, detection,
    Windows-1252. Bytes that fit nowhere become lone surrogates, for `normalize` to count.

    Raises:
        ParseError: UNSUPPORTED_TYPE, when this is no text.
    """
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, _errors(encoding))
    if looks_binary(content[:_SAMPLE]):
        raise ParseError(
            ParseCode.UNSUPPORTED_TYPE, "The file is named like a text but holds binary data."
        )
    try:
        if wide := _utf16_without_mark(content[:_SAMPLE]):
            return content.decode(wide, _errors(wide))
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return _decode_legacy(content)


def looks_binary(sample: bytes) -> bool:
    """Whether bytes are no text in any encoding (a few stray NULs do not make a text binary)."""
    if not sample or sample.startswith(tuple(mark for mark, _ in _BOMS)):
        return False
    if _utf16_without_mark(sample):
        return False
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    nuls = sample.count(0)
    return controls > _MAX_CONTROL_SHARE * len(sample) or nuls > _MAX_NUL_SHARE * len(sample)


def _errors(encoding: str) -> str:
    # Only UTF-8 can hand stray bytes on as lone surrogates; half a UTF-16 pair can pass as it is.
    return "surrogateescape" if encoding == "utf-8" else "replace"


def _utf16_without_mark(sample: bytes) -> str | None:
    pairs = len(sample) // 2
    if pairs < 2:
        return None
    even, odd = sample[0 : pairs * 2 : 2].count(0), sample[1 : pairs * 2 : 2].count(0)
    if odd > 0.6 * pairs and even < 0.05 * pairs:
        return "utf-16-le"
    if even > 0.6 * pairs and odd < 0.05 * pairs:
        return "utf-16-be"
    return None


def _decode_legacy(content: bytes) -> str:
    for error_handler in ("surrogatepass", "surrogateescape"):
        try:
            text = content.decode("utf-8", error_handler)
        except UnicodeDecodeError:
            continue
        if _mostly_utf8(text):
            return text
    return content.decode(detected_encoding(content[:_SAMPLE]), "replace")


def _mostly_utf8(text: str) -> bool:
    damaged = sum("\udc80" <= c <= "\udcff" for c in text)
    genuine = sum(c > "\x7f" for c in text) - damaged
    return genuine > damaged and damaged <= _MAX_DAMAGE * len(text)
