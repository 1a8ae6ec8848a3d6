"""Text as Postgres, the tokenizers and the embedding APIs can all take it, and counts over it."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

REPLACEMENT = "\ufffd"
# NUL breaks Postgres; a lone surrogate breaks UTF-8, so Postgres, hashing and the OpenAI SDK.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")

# Counting with a regular expression takes ten times as long as bytes.translate, which sees a
# character beyond ASCII as several bytes: all of them letters, once what is none is a space.
_LETTERS = bytes(b if b >= 0x80 or chr(b).isalnum() else 0x20 for b in range(256))
_SPACES = bytes(b for b in range(128) if chr(b).isspace())


class NormalisedText(NamedTuple):
    """A text in NFC without NUL or lone surrogates, and how many characters were replaced."""

    text: str
    replaced: int


def normalise(text: str) -> NormalisedText:
    """Bring a text into the one form that is hashed, offset and stored.

    Line ends become ``\\n``; NUL and lone surrogates become U+FFFD and are counted.
    Normalising twice changes nothing.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text, replaced = _UNSTORABLE.subn(REPLACEMENT, text)
    return NormalisedText(unicodedata.normalize("NFC", text), replaced)


def beyond_ascii(text: str) -> list[str]:
    """The characters that are not ASCII, in order."""
    return [] if text.isascii() else _BEYOND_ASCII.findall(text)


def count_words(text: str) -> int:
    """Runs of letters and digits, as ``[^\\W_]+`` finds them; no lone surrogates in `text`."""
    for character in set(beyond_ascii(text)):
        if not character.isalnum():
            text = text.replace(character, " ")
    return len(text.encode().translate(_LETTERS).split())


def count_visible(text: str) -> int:
    """Characters that are not white space."""
    if text.isascii():
        return len(text.encode().translate(None, _SPACES))
    return sum(map(len, text.split()))
