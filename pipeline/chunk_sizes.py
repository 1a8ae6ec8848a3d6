"""Decides how large chunks are: as a setting says, else as the installation remembers.

An installation keeps the sizes that it began with, in its database, whatever the program's default
becomes: with others every document would be outdated, and the next ingest would buy every vector
again.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """How large chunks are, in tokens of the embedder, before the model's own limit.

    Attributes:
        tokens: of a chunk at most.
        overlap_tokens: of the chunk before it that are repeated, at most.
    """

    tokens: int
    overlap_tokens: int

    def __str__(self) -> str:
        """As a chunker's version has them, ``600/50``."""
        return f"{self.tokens}/{self.overlap_tokens}"


RECOMMENDED = ChunkSizes(600, 50)
"""What a new installation begins with. Another size needs a migration too, for databases without
jobs: the row holds what the migrations wrote."""

UNREMEMBERED = ChunkSizes(400, 50)
"""What every installation used before sizes were remembered."""


def sizes_in_force(settings: Settings, remembered: ChunkSizes) -> ChunkSizes:
    """The sizes to cut with: what is set goes before what the installation remembers.

    An overlap that nobody set is lowered to a third of a chunk.

    Raises:
        ConfigurationError: the overlap that is set is more than a third of a remembered chunk.
    """
    tokens = settings.chunk_tokens or remembered.tokens
    overlap = settings.chunk_overlap_tokens
    if overlap is None:
        return ChunkSizes(tokens, min(remembered.overlap_tokens, tokens // 3))
    if overlap * 3 > tokens:
        raise ConfigurationError(
            f"NAVIGATOR_CHUNK_OVERLAP_TOKENS is more than a third of a chunk, and this "
            f"installation's chunks have {tokens} tokens.",
            remedy="Lower it, or set NAVIGATOR_CHUNK_TOKENS too.",
        )
    return ChunkSizes(tokens, overlap)


def with_sizes(settings: Settings, sizes: ChunkSizes) -> Settings:
    """The settings as they are told and compared: with the sizes that are in force."""
    return settings.model_copy(
        update={"chunk_tokens": sizes.tokens, "chunk_overlap_tokens": sizes.overlap_tokens}
    )
