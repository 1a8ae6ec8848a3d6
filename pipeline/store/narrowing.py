"""Resolves a filter by what documents are (tags, days, languages) into the documents themselves.

A statement that names documents finds their chunks by key; one that asks for their tags may look at
every chunk of the reader first.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from pipeline.store.search_filters import SearchFilter

MOST_DOCUMENTS = 2_000
"""A filter that more documents pass stays as it is."""


async def narrowed(connection: AsyncConnection, scope: SearchFilter) -> SearchFilter | None:
    """The same filter by documents alone, where few pass it; None when none does.

    A search asks this once, and ranks by the answer.
    """
    if scope.documents_query and scope != SearchFilter(scope.documents, roles=scope.roles):
        statement = sa.text(f"{scope.documents_query} LIMIT :most_documents")
        values = {**scope.values, "most_documents": MOST_DOCUMENTS + 1}
        documents = tuple((await connection.execute(statement, values)).scalars())
        if not documents:
            return None
        if len(documents) <= MOST_DOCUMENTS:
            return SearchFilter(documents, roles=scope.roles)
    return scope
