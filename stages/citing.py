"""Adds to citations what only the parsed text tells: boxes, paragraphs and table rows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, replace
from functools import cache, partial
from typing import TYPE_CHECKING

from clients.storage.objects import ObjectMissing
from pipeline.citations import Place, place_in
from pipeline.errors import StorageUnavailable
from pipeline.highlights import question_words
from stages.text_cache import TextCache
from stages.text_storage import text_to_show

if TYPE_CHECKING:
    from clients.storage.object_storage import Storage
    from pipeline.documents import ParsedDocument
    from pipeline.store.search import Passage
    from pipeline.words import NearWord

# Texts are read one after the other, so that many thick documents are not in memory at once; of
# an answer with more documents, the passages behind them are cited without their places.
MOST_TEXTS = 20


async def with_places(
    passages: Sequence[Passage],
    question: str,
    storage: Storage,
    texts: TextCache,
    near: Sequence[NearWord] = (),
) -> list[Passage]:
    """The passages, cited down to their place on the page.

    A text that is lost or was replaced meanwhile leaves the citation as it is: the answer does not
    depend on it.
    """
    keys = list(dict.fromkeys(each.parsed_key for each in passages if each.parsed_key is not None))
    places: dict[int, Place] = {}
    # passages are in few languages, and a question's words are made anew for each
    words = cache(partial(question_words, question, near=near))
    for key in keys[:MOST_TEXTS]:
        try:
            document = await text_to_show(storage, texts, key)
        except (ObjectMissing, StorageUnavailable):
            continue
        own = {n: each for n, each in enumerate(passages) if each.parsed_key == key}
        places |= await asyncio.to_thread(_places, document, own, words)
    return [_with(each, places.get(number)) for number, each in enumerate(passages)]


def _places(
    document: ParsedDocument,
    passages: Mapping[int, Passage],
    words: Callable[[str], frozenset[str]],
) -> dict[int, Place]:
    places = {}
    for number, passage in passages.items():
        cited, language = passage.citation, passage.language
        start = None if cited is None else start_of(document.text, passage.text, cited.start)
        if start is not None:
            end = start + len(passage.text)
            places[number] = place_in(document, start, end, words(language), language)
    return places


def start_of(text: str, passage: str, start: int) -> int | None:
    """Where a passage stands in a text; None when that cannot be told.

    Another reading may have taken the place of the one that was published, as while a correction is
    judged: what it did not change stands elsewhere then, and is taken where it stands once only.

    Args:
        start: where it stood in the text that was published.
    """
    if text.startswith(passage, start):
        return start
    found = text.find(passage)
    return found if found >= 0 and text.find(passage, found + 1) < 0 else None


def _with(passage: Passage, place: Place | None) -> Passage:
    if place is None or passage.citation is None:
        return passage
    found = {each.name: getattr(place, each.name) for each in fields(Place)}
    return replace(passage, citation=replace(passage.citation, **found))
