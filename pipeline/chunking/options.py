"""Options of a chunker: its sizes in tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from pipeline.errors import ConfigurationError

CHUNKER_NAME = "markdown-3"
MIN_TOKENS = 32


@dataclass(frozen=True, slots=True)
class ChunkerOptions:
    """How large chunks are.

    Attributes:
        max_tokens: of a chunk with its headings and its context, in the embedder's tokenizer; never
            exceeded.
        overlap_tokens: at most so many are repeated from the previous chunk of a section.
    """

    max_tokens: int = 400
    overlap_tokens: int = 50

    def __post_init__(self) -> None:
        if self.max_tokens < MIN_TOKENS or not 0 <= self.overlap_tokens <= self.max_tokens // 3:
            raise ConfigurationError(
                f"A chunk of {self.max_tokens} tokens with {self.overlap_tokens} of overlap "
                "cannot be made.",
                remedy=f"Use at least {MIN_TOKENS} tokens a chunk and a third of it as overlap.",
            )


def chunker_version(options: ChunkerOptions, tokenizer_name: str) -> str:
    """What a chunk's identity says of its chunker, e.g. ``markdown-3:400/50:cl100k_base``."""
    return f"{CHUNKER_NAME}:{options.max_tokens}/{options.overlap_tokens}:{tokenizer_name}"


_SIZES = re.compile(r":(\d{1,6})/(\d{1,6}):")


def chunker_of(version: str, tokenizer_name: str) -> ChunkerOptions | None:
    """The sizes that a version names; None when it is of another chunker or tokenizer."""
    found = _SIZES.search(version)
    if found is None:
        return None
    try:
        options = ChunkerOptions(int(found[1]), int(found[2]))
    except ConfigurationError:
        return None
    return options if chunker_version(options, tokenizer_name) == version else None
