"""Detects the encoding of a text that declares none and is no UTF-8."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

FALLBACK = "cp1252"
_WORD = re.compile(r"[^\W\d_]{2,}")
# Frames of old terminals and control characters stand in no text of today, and signs in no word.
_ODD = re.compile("[\x80-\x9f\u2500-\u259f]|[^\\W\\d_][¤¢£¥¦§¨©¬®±¶¸¿¡×÷‡†‰][^\\W\\d_]")
_WORDS_LOOKED_AT = 2_000
# So few characters beyond ASCII tell little; then the likeliest encoding needs less to be believed.
_FEW, _NEARLY = 3, 0.9
# What browsers read for these names: the same letters, and more beside them.
_WIDER = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254"}


def detected_encoding(sample: bytes) -> str:
    """The encoding that bytes show, as Python names it; Windows-1252 when they show none."""
    found = list(_plausible(sample))
    if not found:
        return FALLBACK
    best = found[0][1]
    if sum(byte > 0x7F for byte in sample) <= _FEW:
        usual = max((sure for name, sure in found if name == FALLBACK), default=0.0)
        return FALLBACK if usual >= _NEARLY * best else found[0][0]
    return found[0][0]


def _plausible(sample: bytes) -> Iterator[tuple[str, float]]:
    """Encodings in which the sample is a text, the likeliest first, with how sure that is."""
    import chardet

    for each in chardet.detect_all(sample):
        try:
            name = codecs.lookup(each["encoding"] or FALLBACK).name
            text = sample.decode(name, "ignore")
        except LookupError:
            continue
        if not _ODD.search(text) and not _mixes_scripts(text):
            yield _WIDER.get(name, name), each["confidence"]


def _mixes_scripts(text: str) -> bool:
    """Whether letters of two scripts stand in one word, as in no language."""
    from pipeline.parsing.assessment.letters import script_of

    for count, word in enumerate(_WORD.findall(text)):
        if count > _WORDS_LOOKED_AT:
            break
        scripts = {script_of(letter) for letter in word} - {""}
        if len(scripts) > 1 and not scripts <= {"han", "kana", "hangul"}:
            return True
    return False
