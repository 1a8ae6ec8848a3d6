"""Says which chunks take part in a search: by document, tag, role, date and language.

A filter is part of every ranking's statement, so a narrow one loses nothing: what passes it is
ranked as if nothing else were there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from pipeline.editions import EDITION_DATE, EFFECTIVE_DATE

_ISO = r"^\d{4}-\d{2}-\d{2}$"


def told(fact: str) -> str:
    """SQL for the date that a fact of the published job `j` tells; NULL when it is none."""
    # A file's own facts may stand under the same name: what is no date is passed over.
    return f"substring(j.facts->>'{fact}' FROM '{_ISO}')"


DATED = f"""coalesce({told(EFFECTIVE_DATE)}, {told(EDITION_DATE)},
    to_char(coalesce(j.created_at, d.created_at) AT TIME ZONE 'UTC', 'YYYY-MM-DD'))"""
"""SQL for a document's date, over its row `d` and that of its published job `j`: from when it
applies, else its edition, else when it was taken in; YYYY-MM-DD."""


@dataclass(frozen=True, slots=True)
class SearchFilter:
    """Which chunks take part.

    Attributes:
        documents: only these, when any is given. tags: only documents that have all of them.
        roles: only passages that have one of them, when any is given.
        since, until: only documents of these days, both included; see `DATED`.
        languages: only documents in one of them (ISO 639-1), when any is given.
    """

    documents: tuple[UUID, ...] = ()
    tags: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    since: date | None = None
    until: date | None = None
    languages: tuple[str, ...] = ()

    @property
    def condition(self) -> str:
        """SQL over `document_chunks AS c`; its parameters are `values`."""
        wanted = ["true"]
        if self.documents:
            wanted.append("c.document_id = ANY(CAST(:documents AS uuid[]))")
        if of_document := self._of_document():
            wanted.append(f"c.document_id IN ({_documents(of_document)})")
        if self.roles:
            wanted.append("c.role = ANY(CAST(:roles AS text[]))")
        return " AND ".join(wanted)

    @property
    def documents_query(self) -> str:
        """SQL for the ids of the documents that take part; empty when all do.

        Its parameters are `values`. With `roles` it says the same as `condition`.
        """
        wanted = self._of_document()
        if self.documents:
            wanted.append("d.id = ANY(CAST(:documents AS uuid[]))")
        return _documents(wanted) if wanted else ""

    def _of_document(self) -> list[str]:
        wanted = []
        if self.tags:
            wanted.append("d.tags @> CAST(:tags AS text[])")
        if self.since is not None:
            wanted.append(f'{DATED} >= CAST(:since AS text) COLLATE "C"')
        if self.until is not None:
            wanted.append(f'{DATED} <= CAST(:until AS text) COLLATE "C"')
        if self.languages:
            wanted.append("j.language = ANY(CAST(:languages AS text[]))")
        return wanted

    @property
    def values(self) -> dict[str, Any]:
        """The parameters of `condition`."""
        return {
            "documents": list(self.documents),
            "tags": list(self.tags),
            "roles": list(self.roles),
            "since": None if self.since is None else self.since.isoformat(),
            "until": None if self.until is None else self.until.isoformat(),
            "languages": list(self.languages),
        }


def _documents(wanted: Sequence[str]) -> str:
    return (
        "SELECT d.id FROM documents AS d LEFT JOIN upload_jobs AS j ON j.id = d.published_job_id"
        f" WHERE {' AND '.join(wanted)}"
    )
