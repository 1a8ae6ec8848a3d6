"""A retriever for LangChain, over `Navigator`; docs/langchain.md shows it in use."""

from __future__ import annotations

import asyncio
from typing import Any, Literal
from uuid import UUID

try:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
except ImportError as error:
    raise ImportError(
        "LangChain is not installed. Install it: pip install 'insurance-navigator[langchain]'"
    ) from error

from pydantic import ConfigDict

from insurance_navigator.citing import chosen, metadata, readable
from insurance_navigator.navigator import Navigator


class NavigatorRetriever(BaseRetriever):  # type: ignore[misc]
    """Finds passages of a user's published documents, each with its citation as metadata.

    The filters hold for every question; `invoke(question, limit=3)` sets them for one. `ainvoke`
    leaves the event loop free.

    Attributes:
        navigator: the corpus; whoever made it closes it.
        user: whose documents; without it, the setting.
        mode, limit, document, tags, roles, rerank: as of `Navigator.search`.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    navigator: Navigator
    user: str | None = None
    mode: Literal["hybrid", "vector", "text"] = "hybrid"
    limit: int = 5
    document: str | UUID | None = None
    tags: tuple[str, ...] | list[str] = ()
    roles: tuple[str, ...] | list[str] = ()
    rerank: bool = False

    def _get_relevant_documents(
        self, query: str, *, run_manager: Any, **filters: Any
    ) -> list[Document]:
        found = self.navigator.search(query, **chosen(self._always(), filters))
        return [
            Document(page_content=readable(each), metadata=metadata(each), id=str(each.chunk_id))
            for each in found.passages
        ]

    async def _aget_relevant_documents(
        self, query: str, *, run_manager: Any, **filters: Any
    ) -> list[Document]:
        def work() -> list[Document]:
            return self._get_relevant_documents(query, run_manager=run_manager, **filters)

        return await asyncio.to_thread(work)

    def _always(self) -> dict[str, Any]:
        return {
            "user": self.user,
            "mode": self.mode,
            "limit": self.limit,
            "document": self.document,
            "tags": self.tags,
            "roles": self.roles,
            "rerank": self.rerank,
        }
