"""A retriever for LlamaIndex, over `Navigator`; docs/llamaindex.md shows it in use."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal
from uuid import UUID

try:
    from llama_index.core.base.base_retriever import BaseRetriever
    from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
except ImportError as error:
    raise ImportError(
        "LlamaIndex is not installed. Install it: pip install 'insurance-navigator[llamaindex]'"
    ) from error

from insurance_navigator.citing import metadata, readable
from insurance_navigator.navigator import Navigator

SHOWN_TO_MODELS = frozenset({"citation"})
"""Of the metadata, what LlamaIndex puts before the text that a model reads."""


class NavigatorRetriever(BaseRetriever):  # type: ignore[misc]
    """Finds passages of a user's published documents, each with its citation as metadata.

    `aretrieve` leaves the event loop free.

    Args:
        navigator: the corpus; whoever made it closes it.
        user: whose documents; without it, the setting.
        mode, limit, document, tags, roles, rerank: as of `Navigator.search`.
        more: what LlamaIndex's own base class takes.
    """

    def __init__(
        self,
        navigator: Navigator,
        *,
        user: str | None = None,
        mode: Literal["hybrid", "vector", "text"] = "hybrid",
        limit: int = 5,
        document: str | UUID | None = None,
        tags: Sequence[str] = (),
        roles: Sequence[str] = (),
        rerank: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self._navigator = navigator
        self._filters: dict[str, Any] = {
            "user": user, "mode": mode, "limit": limit, "document": document, "tags": tags,
            "roles": roles, "rerank": rerank,
        }  # fmt: skip

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._navigator.search(query_bundle.query_str, **self._filters)
        return [
            NodeWithScore(node=_node(readable(each), metadata(each)), score=each.score)
            for each in found.passages
        ]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(text: str, told: dict[str, Any]) -> TextNode:
    hidden = sorted(set(told) - SHOWN_TO_MODELS)
    return TextNode(
        id_=told["chunk_id"],
        text=text,
        metadata=told,
        excluded_llm_metadata_keys=hidden,
        excluded_embed_metadata_keys=sorted(told),
    )
