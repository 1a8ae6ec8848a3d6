"""Chooses endorsements of other documents: those that name the same form, policy or coverage."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from pipeline.companions.choosing import companion
from pipeline.companions.document_index import DocumentIndex
from pipeline.companions.headings import coverage_of
from pipeline.companions.model import Companion, ContextChunk, Relation
from pipeline.companions.words import words_of
from pipeline.text import fold

# HO 00 03 05 11, CG 00 01 04 13, HO-3, CA 401, CP 10 30 10 12
_FORM = re.compile(r"(?<![\w-])[A-Z]{2,4}[ -]\d{1,4}(?:[ -]\d{2}){0,4}(?![\w-])")
_POLICY = re.compile(
    r"\bpolicy (?:no\.?|number|#)[ :#*]{0,4}([A-Z0-9][A-Z0-9/-]{4,30})", re.IGNORECASE
)
_FIRST_CHUNKS = 8
"""A form's name and a policy's number stand at a document's beginning."""
_MANY = 50
"""Among so many endorsements a coverage's name says too little: they are of several policies."""


def endorsements_of(
    passage: ContextChunk, index: DocumentIndex, others: Sequence[ContextChunk]
) -> list[Companion]:
    """The endorsements of other documents that change what a passage says, the surest first."""
    if not others:
        return []
    names = _names(f"{chunk.name}\n{chunk.text}" for chunk in index.chunks[:_FIRST_CHUNKS])
    titles = (*passage.heading_path[index.title_depth :], *passage.heading_path)
    coverage = coverage_of(titles)
    few = len({each.document_id for each in others}) <= _MANY
    found: list[tuple[int, Companion]] = []
    for chunk in others:
        said = f"{' '.join(chunk.heading_path)} {chunk.context} {chunk.text}"
        same = sorted(names & _names([said]))
        covers = bool(coverage) and coverage <= words_of(said)
        if same or (few and covers):
            what = same[0] if same else next(title for title in titles if coverage_of([title]))
            reason = f"endorsement in another document, names {what}"
            made = companion(Relation.ENDORSEMENT, reason, chunk, chunk.text)
            found.append((-2 * covers - bool(same), made))
    return [made for _, made in sorted(found, key=lambda each: each[0])]


def _names(texts: Iterable[str]) -> set[str]:
    """Forms and policy numbers that texts name, in one spelling."""
    joined = fold("\n".join(texts))
    forms = {each.replace("-", " ") for each in _FORM.findall(joined)}
    return forms | {each.upper() for each in _POLICY.findall(joined)}
