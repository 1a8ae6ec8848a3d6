"""Text as Postgres, the tokenizers and the embedding APIs can all take it."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

REPLACEMENT = "\ufffd"
# NUL breaks Postgres; a lone surrogate breaks UTF-8, so Postgres, hashing and the OpenAI SDK.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


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
