"""Ranks chunks by words with BM25 in plain SQL: a scan of the chunks in scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pipeline.store.posting_lists import K1, B


def parameters(lexemes: Sequence[str], weights: Sequence[float]) -> dict[str, Any]:
    """The values of the statements here, for these words and their weights."""
    terms = [as_tsquery(lexeme) for lexeme in lexemes]
    values: dict[str, Any] = {"any": " | ".join(terms)}
    values |= {f"term{i}": term for i, term in enumerate(terms)}
    return values | {f"weight{i}": float(weight) for i, weight in enumerate(weights)}


def as_tsquery(lexeme: str) -> str:
    """A query for exactly this lexeme."""
    escaped = lexeme.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"


def counts(terms: Sequence[int]) -> list[str]:
    """SQL for how often each word is in `c.words`."""
    # For one word `ts_rank_cd` is the sum of the weights of its places: here, their number.
    return [f"ts_rank_cd('{{1, 1, 1, 1}}', c.words, CAST(:term{i} AS tsquery))" for i in terms]


def bm25(condition: str, terms: Sequence[int]) -> str:
    """SQL for the best chunks with their scores.

    Args:
        condition: over `document_chunks AS c`: which chunks take part.
        terms: the places of the question's words.
    """
    counted = ", ".join(f"{count} AS n{i}" for i, count in zip(terms, counts(terms), strict=True))
    rarity = ", ".join(
        f"CAST(:weight{i} AS float) * ln(1 + (size - count(*) FILTER (WHERE n{i} > 0) + 0.5)"
        f" / (count(*) FILTER (WHERE n{i} > 0) + 0.5)) AS rarity{i}"
        for i in terms
    )
    score = " + ".join(f"rarity{i} * n{i} * {K1 + 1} / (n{i} + shortness)" for i in terms)
    return f"""
    WITH found AS MATERIALIZED (
        SELECT c.id, length(c.words)::float AS length, {counted}
        FROM (
            -- unpacked once, for all the words
            SELECT c.id, c.search || ''::tsvector AS words
            FROM document_chunks AS c
            WHERE {condition} AND c.search @@ CAST(:any AS tsquery) OFFSET 0
        ) AS c
    ),
    corpus AS (
        SELECT count(*)::float AS size
        FROM document_chunks AS c WHERE {condition}
    ),
    weights AS MATERIALIZED (
        SELECT avg(length)::float AS mean, {rarity} FROM found, corpus GROUP BY size
    )
    SELECT id, {score} AS score
    FROM weights CROSS JOIN LATERAL (
        SELECT *, {K1} * (1 - {B} + {B} * length / mean) AS shortness FROM found
    ) AS found
    ORDER BY score DESC, id LIMIT :limit
    """
