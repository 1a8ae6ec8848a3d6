"""Reads what is cited of passages: their documents' versions, and where else they stand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.citations import Citation, Copy, original_path, page_view_path
from pipeline.editions import EDITION, EDITION_DATE, EFFECTIVE_DATE, FORM
from pipeline.highlights import highlights, question_words
from pipeline.passage_copies import Group
from pipeline.store.engine import rows
from pipeline.store.search_filters import DATED, SearchFilter, told
from pipeline.words import NearWord

MOST_COPIES, MOST_COPIES_IN_ALL = 100, 1_000
"""Of one passage, and of all in an answer, so many are named; how many there are is told."""
_MOST_LOOKED_UP = 10_000


def _of_first(value: str) -> str:
    """SQL for what is read of passages alone, not of their copies, which may be a thousand."""
    return f"CASE WHEN c.id = ANY(CAST(:first AS uuid[])) THEN {value} END"


_CITED = sa.text(
    f"""
    SELECT c.id AS chunk_id, c.document_id, d.name AS document, d.source, j.version,
           j.id AS job_id, j.file_sha256, j.media_type, coalesce(j.language, '') AS language,
           coalesce(j.facts->>'{FORM}', '') AS form,
           coalesce(j.facts->>'{EDITION}', '') AS edition,
           {told(EDITION_DATE)} AS edition_date, {told(EFFECTIVE_DATE)} AS effective_date,
           {DATED} AS date, c.page_first, c.page_last, c.start_offset AS start,
           c.end_offset AS "end", c.heading_path, c.role,
           j.parsed_key, {_of_first("c.text")} AS text, {_of_first("c.context")} AS context,
           {_of_first("coalesce(j.notes, '[]')")} AS notes
    FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    LEFT JOIN upload_jobs AS j ON j.id = d.published_job_id
    WHERE c.id = ANY(CAST(:ids AS uuid[]))
    """
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question as passages are cited for it.

    Attributes:
        space_id, scope: where more copies are looked for, as the search itself looked.
        near: what was taken for words of the question that are mistyped.
    """

    text: str
    space_id: UUID
    scope: SearchFilter
    near: Sequence[NearWord] = ()


@dataclass(frozen=True, slots=True)
class Cited:
    """A passage's citation with its copies.

    Attributes:
        copies: as many as are named, the newest edition first. copy_count: of all.
        parsed_key: where the text is stored that its offsets are into; None when that is unknown.
    """

    citation: Citation
    copies: tuple[Copy, ...]
    copy_count: int
    parsed_key: str | None


async def cited(
    connection: AsyncConnection, groups: Sequence[Group], asked: Asked, shown: int | None = None
) -> tuple[dict[UUID, sa.RowMapping], dict[UUID, Cited]]:
    """Passages as they are stored, and the citations of those that are shown.

    Args:
        groups: each passage with those of its copies that are known already, best first.
        shown: so many of them are cited; all when None.

    Returns:
        Both by the chunk that stands for each; what was removed meanwhile is in neither.
    """
    first = [group.first.chunk_id for group in groups]
    shown_groups = groups[:shown]
    members = await _with_copies(connection, shown_groups, asked.space_id, asked.scope)
    most = min(MOST_COPIES, MOST_COPIES_IN_ALL // max(len(shown_groups), 1))
    named = [chunk for found in members.values() for chunk in found[1 : most + 1]]
    values = {"ids": [*first, *named], "first": first}
    read = {row["chunk_id"]: row for row in await rows(connection, _CITED, values)}
    # passages are in few languages, and a question's words are made anew for each
    words = cache(partial(question_words, asked.text, near=asked.near))
    cites = {
        group.first.chunk_id: _cited(group, members[group.first.chunk_id], read, words)
        for group in shown_groups
        if group.first.chunk_id in read
    }
    return {chunk: read[chunk] for chunk in first if chunk in read}, cites


def _cited(
    group: Group,
    members: Sequence[UUID],
    read: Mapping[UUID, Any],
    words: Callable[[str], frozenset[str]],
) -> Cited:
    first, *others = members
    near = {each.chunk_id for each in group.members} - group.same
    copies = [_copy(read[each], same=each not in near) for each in others if each in read]
    copies.sort(key=lambda each: (each.document, each.source, each.chunk_id))
    copies.sort(key=lambda each: each.effective_date or each.edition_date or "", reverse=True)
    return Cited(
        _citation(read[first], words),
        tuple(copies),
        len(others),
        read[first]["parsed_key"],
    )


_OWN = ("text", "context", "notes", "parsed_key")
"""What a passage has, and its citation has not."""


def _citation(row: Any, words: Callable[[str], frozenset[str]]) -> Citation:
    given = {name: value for name, value in row.items() if name not in _OWN}
    return Citation(
        **{**given, "heading_path": tuple(row["heading_path"])},
        paragraph_first=None,
        paragraph_last=None,
        boxes=(),
        tables=(),
        highlights=highlights(row["text"], words(row["language"]), row["language"]),
        original=original_path(row["document_id"], row["version"]),
        page_view=page_view_path(row["document_id"], row["page_first"], row["chunk_id"]),
    )


_COPIED = (
    "document_id", "document", "source", "chunk_id", "page_first", "page_last", "version",
    "edition", "edition_date", "effective_date",
)  # fmt: skip


def _copy(row: Any, *, same: bool) -> Copy:
    return Copy(**{name: row[name] for name in _COPIED}, same=same)


async def _with_copies(
    connection: AsyncConnection, groups: Sequence[Group], space_id: UUID, scope: SearchFilter
) -> dict[UUID, list[UUID]]:
    """The chunks of each passage, the one that stands for it first.

    Of a passage in thousands of documents the candidates of a search hold some. The others are
    found by the hash that their vectors were made for: of headings, context and text.
    """
    members = {group.first.chunk_id: [each.chunk_id for each in group.members] for group in groups}
    belongs_to = {
        each.chunk_id: group.first.chunk_id
        for group in groups
        for each in group.members
        if each.chunk_id in group.same
    }
    known = {chunk for found in members.values() for chunk in found}
    values = {
        **scope.values,
        "ids": list(belongs_to),
        "space": space_id,
        "most": _MOST_LOOKED_UP,
    }
    for row in await rows(connection, sa.text(_copies(scope)), values):
        if row["chunk_id"] not in known:
            known.add(row["chunk_id"])
            members[belongs_to[row["copy_of"]]].append(row["chunk_id"])
    return members


def _copies(scope: SearchFilter) -> str:
    return f"""
    SELECT v.chunk_id, of.id AS copy_of
    FROM document_chunks AS of
    JOIN chunk_vectors AS v ON v.space_id = :space AND v.sha256 = of.sha256
    JOIN document_chunks AS c ON c.id = v.chunk_id AND c.role = of.role
    WHERE of.id = ANY(CAST(:ids AS uuid[])) AND c.id <> of.id AND {scope.condition}
    ORDER BY v.chunk_id LIMIT :most
    """
