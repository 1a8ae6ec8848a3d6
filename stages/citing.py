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
        # Another version may have been published meanwhile: its offsets are into another text.
        if cited is not None and document.text[cited.start : cited.end] == passage.text:
            asked = words(language)
            places[number] = place_in(document, cited.start, cited.end, asked, language)
    return places


def _with(passage: Passage, place: Place | None) -> Passage:
    if place is None or passage.citation is None:
        return passage
    found = {each.name: getattr(place, each.name) for each in fields(Place)}
    return replace(passage, citation=replace(passage.citation, **found))
