"""Gives a chunk its context: caption and columns of a table in which it begins."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from pipeline.chunking.blocks import Block, BlockKind
from pipeline.chunking.tables import NOWHERE, Head, cells_of
from pipeline.documents import embedding_text
from pipeline.tokens import Tokenizer

# Names of columns are cut to these lengths, the longest that fits; then the caption goes.
_WIDTHS = (10_000, 80, 40, 20, 10)
_CELL_CHARS = 60
# A longer row is no row that somebody reads.
_ROW_CHARS = 20_000
_LEAST_TOKENS = 32


class Contexts:
    """The contexts of a document's passages.

    Args:
        heads: those of its tables, by the offset at which each table begins.
        max_tokens: of a chunk; a context has at most a third of what is more than 32 of them.
    """

    def __init__(
        self,
        text: str,
        blocks: Sequence[Block],
        heads: Mapping[int, Head],
        tokenizer: Tokenizer,
        max_tokens: int,
    ) -> None:
        self._text, self._tokenizer = text, tokenizer
        self._tables = [block for block in blocks if block.start in heads]
        self._starts = [block.start for block in self._tables]
        self._limit = (max_tokens - _LEAST_TOKENS) // 3
        fitted = _fitted(set(heads.values()), tokenizer, self._limit)
        self._heads = {start: fitted[head][0] for start, head in heads.items()}
        self._tokens = {start: fitted[head][1] for start, head in heads.items()}

    def reserve(self, blocks: Iterable[Block]) -> int:
        """The tokens that a section's passages may need for their context."""
        if not self._tokens:
            return 0
        return max((self._tokens.get(block.start, 0) for block in blocks), default=0)

    def needed_at_once(self, blocks: Sequence[Block]) -> bool:
        """Whether a section holds rows of a table whose columns are named before it."""
        heads = [self._heads[b.start] for b in blocks if b.start in self._heads]
        return any(head.columns and head.header_at < blocks[0].start for head in heads)

    def of(self, start: int, end: int, path: Sequence[str]) -> str:
        """What a passage lacks of the tables that it holds rows of."""
        if not self._tables:
            return ""
        first = max(0, bisect_right(self._starts, start) - 1)
        lines: list[str] = []
        for block in self._tables[first : bisect_right(self._starts, end - 1)]:
            if block.end > start:
                lines += self._lines(block, start, end, path)
        return "\n".join(dict.fromkeys(lines))

    def _lines(self, block: Block, start: int, end: int, path: Sequence[str]) -> list[str]:
        head = self._heads[block.start]
        lines = []
        if head.caption and head.caption not in path and not start <= head.caption_at < end:
            lines.append(head.caption)
        if head.columns and (head.header_at == NOWHERE or start > head.header_at):
            lines.append(_columns(head.columns))
        if block.start < start and block.kind is BlockKind.TABLE:
            lines += self._row(start)
        return lines

    def _row(self, start: int) -> list[str]:
        """The first cell of a row in the middle of which a passage begins."""
        near = max(0, start - _ROW_CHARS)
        line_start = self._text.rfind("\n", near, start) + 1 or near
        if line_start == near or not self._text[line_start:start].strip():
            return []
        first = cells_of(self._text[line_start : min(start, line_start + 4 * _CELL_CHARS)])[0]
        line = f"Row: {_cut(first, _CELL_CHARS)}"
        few = self._limit // 2
        return [line] if first and self._tokenizer.count([line])[0] <= few else []


def _columns(names: Sequence[str]) -> str:
    return "Columns: " + " | ".join(name or "–" for name in names)


def _fitted(
    heads: Iterable[Head], tokenizer: Tokenizer, limit: int
) -> dict[Head, tuple[Head, int]]:
    """Each head as far as it fits in `limit` tokens, and the tokens of its context."""
    candidates = {head: _shorter_and_shorter(head) for head in heads}
    texts = [_context(each) for own in candidates.values() for each in own]
    counts = iter(tokenizer.count([embedding_text((), "", text) for text in texts]))
    fitted: dict[Head, tuple[Head, int]] = {}
    for head, own in candidates.items():
        counted = [(each, next(counts)) for each in own]
        bare = replace(head, caption="", columns=())
        fitted[head] = next((pair for pair in counted if pair[1] <= limit), (bare, 0))
    return fitted


def _shorter_and_shorter(head: Head) -> list[Head]:
    cut = [
        replace(head, columns=tuple(_cut(name, width) for name in head.columns))
        for width in _WIDTHS
    ]
    bare = [replace(each, caption="") for each in cut[1:]]
    fewer = [replace(bare[-1], columns=head.columns[:n]) for n in (8, 4) if n < len(head.columns)]
    return [*cut, *bare, *fewer]


def _context(head: Head) -> str:
    lines = [head.caption] if head.caption else []
    return "\n".join([*lines, _columns(head.columns)] if head.columns else lines)


def _cut(name: str, width: int) -> str:
    if len(name) <= width:
        return name
    return name[:width].rsplit(" ", 1)[0].rstrip() + "…"
