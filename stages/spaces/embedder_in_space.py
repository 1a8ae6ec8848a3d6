"""An embedder whose vectors belong to a space that its settings alone do not tell."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from clients.embedder import Embedder, EmbeddingAnswer, EmbeddingSpace
from pipeline.packing import RequestLimits


class EmbedderInSpace:
    """Passes on to an embedder; only the space, and what chunks are measured by, are told here.

    Args:
        tokenizer_name: in whose tokens the chunks of the corpus are measured; its own without it.
        chunk_limit: the tokens that a chunk may have; what the model takes without it.
    """

    def __init__(
        self,
        embedder: Embedder,
        space: EmbeddingSpace,
        tokenizer_name: str | None = None,
        chunk_limit: int | None = None,
    ) -> None:
        self.embedder = embedder
        self._space = space
        self._tokenizer_name = tokenizer_name or embedder.tokenizer_name
        self.chunk_limit = chunk_limit or embedder.limits.max_input_tokens

    @property
    def address(self) -> str | None:
        """Where texts are sent; None for a model on this machine."""
        return getattr(self.embedder, "address", None)

    @property
    def space(self) -> EmbeddingSpace:
        """Where the vectors belong."""
        return self._space

    @property
    def tokenizer_name(self) -> str:
        """For `pipeline.tokens.tokenizer`."""
        return self._tokenizer_name

    @property
    def limits(self) -> RequestLimits:
        """What one call of `embed` takes."""
        return self.embedder.limits

    @property
    def price_per_million_tokens(self) -> Decimal:
        """In US dollars."""
        return self.embedder.price_per_million_tokens

    @property
    def concurrency(self) -> int:
        """Requests under way at once."""
        return self.embedder.concurrency

    async def embed(self, texts: Sequence[str]) -> EmbeddingAnswer:
        """Embed one request's worth of texts; see `Embedder.embed` for the errors."""
        return await self.embedder.embed(texts)

    async def close(self) -> None:
        """Close the embedder."""
        await self.embedder.close()


def chunk_limit(embedder: Embedder) -> int:
    """The tokens that a chunk may have at most."""
    if isinstance(embedder, EmbedderInSpace):
        return embedder.chunk_limit
    return embedder.limits.max_input_tokens
