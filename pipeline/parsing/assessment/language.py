"""Detects the language of a text, offline, by a small model of 140 languages."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

NO_LANGUAGE = "zxx"
"""What the model calls what is no language."""

_SURE = 0.9
_BEGINNING, _MOST_CHARACTERS = 250, 1_600
_SMALL_WORDS = frozenset({"the", "of", "and", "to", "or", "by", "for"})
_LEAST_ARTICLES, _SMALL_SHARE = 2, 0.15


def warm_up() -> None:
    """Load the model, which takes half a second, unless that has been done."""
    _identifier()


def let_go() -> None:
    """Give the model's memory back, 70 MB; it is loaded again by who asks for a language."""
    _identifier.cache_clear()


def language_of(text: str) -> str:
    """The ISO 639-1 code of a text's language; empty when it cannot be told, as of a few words."""
    if is_english(text[:_BEGINNING]):
        return "en"
    # Most texts show theirs at once; a form or a list of names needs more of it.
    for length in (_BEGINNING, _MOST_CHARACTERS) if len(text) > _BEGINNING else (_BEGINNING,):
        language, probability = _identifier().classify(text[:length])
        if probability >= _SURE and language != NO_LANGUAGE:
            return str(language)
    return ""


def is_english(text: str) -> bool:
    """Whether so many of the words are its smallest ones that no model has to be asked."""
    words = text.lower().split()
    small = sum(word in _SMALL_WORDS for word in words)
    return words.count("the") >= _LEAST_ARTICLES and small >= _SMALL_SHARE * len(words)


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    whole = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    known = [label for label in whole.labels if len(label) == 2]
    whole.set_languages([*known, NO_LANGUAGE])
    # Made of what is left: an identifier also keeps the languages that it was told to leave out.
    return LanguageIdentifier(
        whole.nb_ptc, whole.nb_pc, whole.nb_classes, whole.tk_nextmove, whole.tk_output,
        norm_probs=True, tk_row=whole.tk_row,
    )  # fmt: skip
