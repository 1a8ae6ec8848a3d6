"""Chooses a passage's companions among the chunks of its document, the most important first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from pipeline.chunk_roles import Role
from pipeline.companions.definitions import phrases_in
from pipeline.companions.document_index import Defined, DocumentIndex
from pipeline.companions.headings import coverage_of, coverage_words, shared
from pipeline.companions.model import Companion, ContextChunk, Relation
from pipeline.companions.references import references_in
from pipeline.companions.restricting import BY_ROLE, restriction_of

_DEFINITIONS = 3
# A passage that names hundreds of parts or terms is a table of contents, or made to cost time.
_MAX_REFERENCES, _MAX_TERMS = 12, 40
_ENDORSEMENTS = 2
_COMMON = 0.15
"""A term in more of the chunks than this is the contract's "you" and "policy": no news."""
_FEW_CHUNKS = 4
_NEAR = 15
_ASKED = 6
_WEIGHTS = {
    Relation.CONTINUATION: 0.95,
    Relation.REFERENCE: 0.95,
    Relation.EXCLUSION: 1.0,
    Relation.LIMIT: 0.9,
    Relation.ENDORSEMENT: 0.9,
    Relation.DEFINITION: 0.75,
    Relation.CONDITION: 0.6,
}
_QUESTION = 0.3
_BY_WORDING = 0.7
_TWICE = 0.05
_TOLD_TOO = frozenset((Relation.REFERENCE, Relation.CONTINUATION))
_REFERRED = 0.5
_LISTS = frozenset((Role.DEFINITION, Role.CLAIMS, Role.CONDITION))
_LIST = 0.5
"""Of a glossary or a list of conditions the next entry is another one, not the rest of this."""
_LEAST = 0.25
"""What is less important than this is left away unseen: it belongs to the passage by chance."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A companion and how important it is to its passage, from 0 to 1."""

    importance: float
    companion: Companion


def candidates_of(
    passage: ContextChunk,
    question: str,
    index: DocumentIndex,
    ranks: Mapping[UUID, int],
    endorsements: Sequence[Companion] = (),
) -> list[Candidate]:
    """What could be a passage's companions, each chunk once, the most important first.

    Args:
        ranks: how well chunks of the document answer the question: their places from 1.
        endorsements: of other documents, the surest first.
    """
    found: dict[object, Candidate] = {}
    work = _Work(passage, question, index, ranks)
    for each in sorted((*work.all(), *_weighed(endorsements)), key=lambda c: -c.importance):
        if each.importance >= _LEAST and each.companion.chunk_id != passage.chunk_id:
            key = each.companion.key
            found[key] = _joined(found[key], each) if key in found else each
    return sorted(found.values(), key=lambda candidate: -candidate.importance)


def _joined(one: Candidate, other: Candidate) -> Candidate:
    """A chunk that is a companion for two reasons, of which it tells both and is worth more."""
    reason = one.companion.reason
    if not _TOLD_TOO & {one.companion.relation, other.companion.relation}:
        return one
    if other.companion.reason not in reason:
        reason = f"{reason}, {other.companion.reason}"
    return Candidate(one.importance + _TWICE, replace(one.companion, reason=reason))


def _weighed(endorsements: Sequence[Companion]) -> Iterator[Candidate]:
    for place, each in enumerate(endorsements[:_ENDORSEMENTS]):
        yield Candidate(_WEIGHTS[each.relation] - place / 10, each)


class _Work:
    """The candidates of one passage, by each of the ways that lead to them."""

    def __init__(
        self,
        passage: ContextChunk,
        question: str,
        index: DocumentIndex,
        ranks: Mapping[UUID, int],
    ) -> None:
        self._passage, self._index, self._ranks = passage, index, ranks
        self._question = phrases_in(question)
        self._titles = passage.heading_path[index.title_depth :]
        self._coverage = coverage_of((*self._titles, *passage.heading_path))

    def all(self) -> Iterator[Candidate]:
        yield from self._continuations()
        yield from self._references()
        yield from self._restrictions()
        yield from self._definitions()

    def _asked(self, chunk: ContextChunk) -> float:
        """How well a chunk answers the question itself, from 0 to 1."""
        rank = self._ranks.get(chunk.chunk_id)
        return 0.0 if rank is None else 1 / (1 + (rank - 1) / _ASKED)

    def _candidate(
        self, relation: Relation, reason: str, chunk: ContextChunk, share: float, text: str = ""
    ) -> Candidate:
        made = companion(relation, reason, chunk, text or _without(chunk, self._passage))
        return Candidate(_WEIGHTS[relation] * share, made)

    def _continuations(self) -> Iterator[Candidate]:
        scale = _LIST if self._passage.role in _LISTS else 1.0
        for step, first, fall in ((1, 1.0, 0.15), (-1, 0.75, 0.25)):
            for distance, chunk in enumerate(self._index.around(self._passage, step)[:4]):
                if not _same_clause(self._passage, chunk):
                    break
                what = "table" if chunk.text.lstrip().startswith("|") else "clause"
                reason = f"continues the {what}" if step > 0 else f"earlier in the {what}"
                share = max(first - fall * distance, 0.3) * (0.6 + 0.4 * self._asked(chunk)) * scale
                yield self._candidate(Relation.CONTINUATION, reason, chunk, share)

    def _references(self) -> Iterator[Candidate]:
        for reference in references_in(self._passage.text)[:_MAX_REFERENCES]:
            chunk = self._index.resolve(reference, self._passage)
            if chunk is not None:
                share = _REFERRED + (1 - _REFERRED) * self._asked(chunk)
                reason = f"referred to as {reference.written}"
                yield self._candidate(Relation.REFERENCE, reason, chunk, share)

    def _restrictions(self) -> Iterator[Candidate]:
        for chunk in self._index.chunks:
            asked = chunk.chunk_id in self._ranks
            relation = restriction_of(chunk.role, chunk.text, by_wording=asked)
            if relation is None:
                continue
            belongs, where = self._belonging(chunk)
            share = (1 - _QUESTION) * belongs + _QUESTION * self._asked(chunk)
            if chunk.role not in BY_ROLE:
                share *= _BY_WORDING
            yield self._candidate(relation, f"{relation} {where}", chunk, share)

    def _belonging(self, chunk: ContextChunk) -> tuple[float, str]:
        """How much a chunk belongs to the passage's coverage (0 to 1), and as a person says it."""
        titles = chunk.heading_path[self._index.title_depth :]
        near = math.exp(-abs(chunk.ordinal - self._passage.ordinal) / _NEAR)
        if titles and shared(self._titles, titles):
            return 0.7 + 0.3 * near, "in the same section"
        if self._coverage and self._coverage <= coverage_words(titles):
            return 0.7, "of the same coverage"
        if titles and titles[0] in self._index.coverages:
            return 0.1, "of another coverage"
        if self._coverage and self._coverage <= self._index.words(chunk):
            return 0.6, "of the same coverage"
        return 0.5, "elsewhere in the document"

    def _nearness(self, defined: Defined) -> tuple[int, int]:
        """A part may define a term for itself: that goes before the contract's definition."""
        path = defined.chunk.heading_path
        return shared(self._passage.heading_path, path), -defined.chunk.ordinal

    def _definitions(self) -> Iterator[Candidate]:
        said = phrases_in(f"{' '.join(self._passage.heading_path)} {self._passage.text}")
        terms = self._index.definitions.keys()
        asked = terms & self._question
        weighed = []
        used = sorted(
            terms & (said | asked), key=lambda term: (term not in asked, -len(term), term)
        )
        for term in used[:_MAX_TERMS]:
            chunk, definition = max(self._index.definitions[term], key=self._nearness)
            common = self._index.share_with(definition.term)
            if term in asked or common < max(_COMMON, _FEW_CHUNKS / len(self._index.chunks)):
                weighed.append(((term in asked) - common, chunk, definition))
        weighed.sort(key=lambda each: (-each[0], each[1].ordinal))
        for weight, chunk, definition in weighed[:_DEFINITIONS]:
            text = chunk.text[definition.start : definition.end].strip()
            reason = f"defines '{definition.term}'"
            share = 0.55 + 0.3 * weight
            yield self._candidate(Relation.DEFINITION, reason, chunk, share, text)


def _same_clause(one: ContextChunk, other: ContextChunk) -> bool:
    return one.heading_path == other.heading_path and bool(one.heading_path or one.context)


def _without(chunk: ContextChunk, passage: ContextChunk) -> str:
    """A chunk's text without what the passage ends with: neighbors overlap."""
    overlap = passage.end - chunk.start
    if passage.start < chunk.start and 0 < overlap < len(chunk.text):
        return chunk.text[overlap:].lstrip()
    overlap = chunk.end - passage.start
    if chunk.start < passage.start and 0 < overlap < len(chunk.text):
        return chunk.text[:-overlap].rstrip()
    return chunk.text


def companion(relation: Relation, reason: str, chunk: ContextChunk, text: str) -> Companion:
    """A chunk as a companion."""
    return Companion(
        relation=relation,
        reason=reason,
        chunk_id=chunk.chunk_id,
        document_id=chunk.document_id,
        name=chunk.name,
        source=chunk.source,
        page_first=chunk.page_first,
        page_last=chunk.page_last,
        heading_path=chunk.heading_path,
        role=chunk.role,
        context=chunk.context,
        text=text,
    )
