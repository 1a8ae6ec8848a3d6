"""Our side: documents through the whole pipeline, questions as `navigator search` asks them.

Every set is a user of one installation with the embedded Postgres. What both rankings found is kept
in a file, so that fusion and calibration can be fitted without asking again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import sqlalchemy as sa

from benchmarks.retrieval.scores import Ranked
from benchmarks.retrieval.sets import QuestionSet, SetQuestion
from pipeline.child_processes import module_command

DEPTH = 100
_PASSAGES = sa.text(
    """
    SELECT c.id, d.name, coalesce(c.page_first, 0) AS page_first,
           coalesce(c.page_last, 0) AS page_last, c.text, c.heading_path, c.context
    FROM document_chunks AS c JOIN documents AS d ON d.id = c.document_id
    WHERE c.id = ANY(CAST(:ids AS uuid[]))
    """
)


def configure(home: Path) -> None:
    """Point the settings of this process, and of those that it starts, at a home of its own."""
    os.environ |= {"NAVIGATOR_HOME": str(home), "NAVIGATOR_GAPS": "publish"}
    os.environ.setdefault("NAVIGATOR_EMBEDDER", "wordllama")


def ingest(question_set: QuestionSet, work: Path) -> None:
    """Take the set's documents in, as its user, once for each folder of work."""
    done = work / f"{question_set.name}.ingested"
    if done.exists():
        return
    folder = work / "documents" / question_set.name
    question_set.write(folder)
    command = module_command("app", "ingest", str(folder))
    # 1: some documents failed, which is said, and counts against us
    ended = subprocess.run([*command, "--user", question_set.name], check=False, stdout=sys.stderr)
    if ended.returncode not in (0, 1):
        raise SystemExit(f"The ingest of {question_set.name} ended with {ended.returncode}.")
    done.touch()


async def observe(question_set: QuestionSet, questions: Sequence[SetQuestion]) -> dict[str, Any]:
    """What both rankings find for each question, and what `stages.search` answers.

    Returns:
        JSON: ``passages`` by id; ``questions``: each with its rankings as [id, score] lists.
    """
    from pipeline.identity import user_id
    from pipeline.settings import load_settings
    from stages.services import open_reading

    owner = user_id(question_set.name)
    async with open_reading(load_settings()) as (database, embedder):
        asked = [await _asked(each, owner, database, embedder) for each in questions]
        seen = {found for each in asked for name in ("vector", "words") for found, _ in each[name]}
        passages = await _passages(seen, owner, database)
    return {"space": str(embedder.space.model), "passages": passages, "questions": asked}


async def _asked(
    question: SetQuestion, owner: UUID, database: Any, embedder: Any
) -> dict[str, Any]:
    from pipeline.store.rankings import (
        EXACT_BELOW,
        count_in_scope,
        rank_by_vector,
        rank_by_words,
    )
    from pipeline.store.search_facts import search_facts
    from pipeline.store.search_filters import SearchFilter
    from pipeline.store.vocabulary import near_words
    from pipeline.text import fold, normalize
    from stages.document_lookup import find_one
    from stages.search import Question, answer

    vector = (await embedder.embed([fold(normalize(question.text).text)])).vectors[0]
    async with database.reader(owner) as connection:
        only: tuple[UUID, ...] = ()
        if question.within:
            only = ((await find_one(connection, question.within)).document_id,)
        scope = SearchFilter(only)
        size = await count_in_scope(connection, scope)
        near = await rank_by_vector(connection, vector, embedder.space.id, scope, DEPTH, size)
        facts = await search_facts(connection, embedder.space.id, EXACT_BELOW)
        typed = await near_words(connection, question.text, facts)
        worded = await rank_by_words(connection, question.text, scope, DEPTH, typed)
    hybrid = await answer(
        Question(question.text, limit=20, documents=only), owner, database, embedder
    )
    return {
        "id": question.id,
        "text": question.text,
        "scope": size,
        "vector": [(str(each.chunk_id), each.score) for each in near],
        "words": [(str(each.chunk_id), each.score) for each in worded],
        "hybrid": [str(each.chunk_id) for each in hybrid.passages],
    }


async def _passages(ids: Iterable[str], owner: UUID, database: Any) -> dict[str, Any]:
    from pipeline.store.engine import rows

    async with database.reader(owner) as connection:
        found = await rows(connection, _PASSAGES, {"ids": sorted(ids)})
    return {
        str(row["id"]): {
            "document": row["name"],
            "text": row["text"],
            "page_first": row["page_first"],
            "page_last": row["page_last"],
            "heading_path": list(row["heading_path"]),
            "context": row["context"],
        }
        for row in found
    }


def ranked(observed: dict[str, Any], ids: Iterable[str]) -> list[Ranked]:
    """The passages of an answer, for the judge."""
    found = [observed["passages"][each] for each in ids]
    return [
        Ranked(each["document"], each["text"], each["page_first"], each["page_last"])
        for each in found
    ]


def kept(path: Path) -> dict[str, Any] | None:
    """What an earlier run observed."""
    return json.loads(path.read_text()) if path.exists() else None
