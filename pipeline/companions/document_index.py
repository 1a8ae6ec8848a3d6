"""Indexes the chunks of one document by what companions are found by: terms, numbers, sections."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple
from uuid import UUID

from pipeline.chunk_roles import Role
from pipeline.chunking.numbering import Label, label_of
from pipeline.companions.definitions import Definition, definitions_in, key_of
from pipeline.companions.headings import shared_titles
from pipeline.companions.model import ContextChunk
from pipeline.companions.references import Reference
from pipeline.companions.words import words_of

_LINE_CHARACTERS = 120
_DOTTED = re.compile(r"\A[#*\s]{0,8}(\d{1,3}(?:\.\d{1,3}){1,4})[.)]?\s")
_POINT = re.compile(r"(?:\A|[\n;.:] ?)[#*\s-]{0,6}\(?(\w{1,4})[.)]\s")
_KINDS_OF_NUMBERS = ("number", "section", "article", "clause", "part", "roman")
_IN_SECTION = 12
"""So many chunks after its heading a numbered point of a section is looked for."""


class Defined(NamedTuple):
    """A definition and the chunk that holds it."""

    chunk: ContextChunk
    definition: Definition


class DocumentIndex:
    """One document's chunks, in their order. Its parts are made when they are first needed."""

    def __init__(self, chunks: Sequence[ContextChunk]) -> None:
        self.chunks = sorted(chunks, key=lambda chunk: chunk.ordinal)
        self._ordinals = [chunk.ordinal for chunk in self.chunks]
        self.by_id: dict[UUID, ContextChunk] = {chunk.chunk_id: chunk for chunk in self.chunks}
        self._words: dict[UUID, frozenset[str]] = {}
        self._points_of: dict[UUID, frozenset[str]] = {}

    def around(self, chunk: ContextChunk, step: int) -> list[ContextChunk]:
        """The chunks after a chunk (step 1) or before it (step -1), the nearest first."""
        at = bisect_left(self._ordinals, chunk.ordinal)
        return self.chunks[at + 1 :] if step > 0 else self.chunks[:at][::-1]

    def words(self, chunk: ContextChunk) -> frozenset[str]:
        """The words of a chunk's text."""
        known = self._words.get(chunk.chunk_id)
        if known is None:
            known = self._words[chunk.chunk_id] = words_of(chunk.text)
        return known

    @cached_property
    def title_depth(self) -> int:
        """How many outermost headings are the document's title."""
        return shared_titles(chunk.heading_path for chunk in self.chunks)

    @cached_property
    def coverages(self) -> frozenset[str]:
        """The headings of the parts that each promise a benefit of their own."""
        covering = (chunk for chunk in self.chunks if chunk.role == Role.COVERAGE)
        titles = (chunk.heading_path[self.title_depth :] for chunk in covering)
        return frozenset(each[0] for each in titles if each)

    @cached_property
    def definitions(self) -> dict[tuple[str, ...], list[Defined]]:
        """The definitions by the words of their terms."""
        found: dict[tuple[str, ...], list[Defined]] = defaultdict(list)
        for chunk in self.chunks:
            for each in definitions_in(chunk.text, chunk.role):
                found[key_of(each.term)].append(Defined(chunk, each))
        return dict(found)

    @cached_property
    def _small(self) -> list[str]:
        return [chunk.text.lower() for chunk in self.chunks]

    def share_with(self, term: str) -> float:
        """The share of the chunks that hold a term: what is in most of them tells nothing."""
        sought = term.lower()
        return sum(sought in text for text in self._small) / max(1, len(self.chunks))

    @cached_property
    def _titles(self) -> dict[Label, list[ContextChunk]]:
        """The first chunk under each numbered heading."""
        found: dict[Label, dict[tuple[str, ...], ContextChunk]] = defaultdict(dict)
        for chunk in self.chunks:
            for depth, title in enumerate(chunk.heading_path, 1):
                label = label_of(title)
                if label is not None:
                    found[label].setdefault(chunk.heading_path[:depth], chunk)
        return {label: list(begun.values()) for label, begun in found.items()}

    @cached_property
    def _lines(self) -> dict[Label, list[ContextChunk]]:
        """The chunks that hold a numbered line: of a clause whose heading was not seen as one."""
        found: dict[Label, list[ContextChunk]] = defaultdict(list)
        for chunk in self.chunks:
            for label in dict.fromkeys(_labels_in(chunk.text)):
                found[label].append(chunk)
        return dict(found)

    def resolve(self, reference: Reference, origin: ContextChunk) -> ContextChunk | None:
        """The chunk in which begins what a reference names.

        None when that is not in the document, or is what the reference itself stands in.
        """
        if reference.label is None:
            return self._named(reference.written, origin)
        number = reference.label.number
        if reference.kind == "exclusion":
            return self._point(self._exclusions_near(origin), ".".join(map(str, number)))
        labels = [Label(k, number) for k in (reference.label.kind, *_KINDS_OF_NUMBERS)]
        if any(label_of(title) in labels[:1] for title in origin.heading_path):
            return None
        for begun in (self._titles, self._lines):
            for label in dict.fromkeys(labels):
                for chunk in begun.get(label, ()):
                    if chunk.chunk_id != origin.chunk_id:
                        return self._inner(chunk, reference.inner)
        return None

    def _named(self, written: str, origin: ContextChunk) -> ContextChunk | None:
        words = key_of(written)
        for chunk in self.chunks:
            if chunk.chunk_id != origin.chunk_id:
                for title in chunk.heading_path[-1:]:
                    titled = key_of(title)
                    if titled[: len(words)] == words or titled[-len(words) :] == words:
                        return chunk
        return None

    def _inner(self, chunk: ContextChunk, inner: str) -> ContextChunk:
        following = [
            each
            for each in self.around(chunk, 1)[:_IN_SECTION]
            if each.heading_path[: len(chunk.heading_path)] == chunk.heading_path
        ]
        return self._point([chunk, *following], inner) or chunk if inner else chunk

    def _point(self, chunks: Sequence[ContextChunk], number: str) -> ContextChunk | None:
        """The chunk with a line that is numbered so: ``3.``, ``(b)`` or ``b)``."""
        return next((each for each in chunks if number in self._points(each)), None)

    def _points(self, chunk: ContextChunk) -> frozenset[str]:
        known = self._points_of.get(chunk.chunk_id)
        if known is None:
            known = self._points_of[chunk.chunk_id] = frozenset(_POINT.findall(chunk.text))
        return known

    def _exclusions_near(self, origin: ContextChunk) -> list[ContextChunk]:
        excluding = [chunk for chunk in self.chunks if chunk.role == Role.EXCLUSION]
        return sorted(excluding, key=lambda chunk: abs(chunk.ordinal - origin.ordinal))


def _labels_in(text: str) -> list[Label]:
    if "....." in text:  # a table of contents names all and says nothing
        return []
    lines = [line[:_LINE_CHARACTERS].lstrip("#* ") for line in text.split("\n")]
    found = [label_of(line) for line in lines if line]
    numbered = [_DOTTED.match(line) for line in lines]
    dotted = [Label("number", tuple(map(int, m[1].split(".")))) for m in numbered if m]
    return [label for label in found if label is not None] + dotted
