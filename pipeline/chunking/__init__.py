"""Cutting a parsed document into chunks: deterministic, Markdown-aware, sized in tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping, Sequence

from pipeline.chunking.assembly import assemble
from pipeline.chunking.blocks import scan
from pipeline.chunking.measure import Span, measured, span_of
from pipeline.chunking.options import CHUNKER_NAME, ChunkerOptions, chunker_version
from pipeline.chunking.sections import Section, sections_of, shortened_paths
from pipeline.chunking.units import Room
from pipeline.documents import Chunk, ParsedDocument, embedding_text
from pipeline.errors import ChunkingError
from pipeline.tokens import Tokenizer

__all__ = ["CHUNKER_NAME", "ChunkerOptions", "chunk_document", "chunker_version"]

# The tokens of a passage's units differ a little from those of the passage: at its edges with an
# additive tokenizer, at every unit with another one.
_SLACK = 4
_NOT_ADDITIVE_SHARE = 0.97
_SMALLER = 0.85


def chunk_document(
    document: ParsedDocument, options: ChunkerOptions, tokenizer: Tokenizer
) -> list[Chunk]:
    """Cut a document into chunks that together hold all its words.

    A chunk stands under one heading and holds a whole section when that fits. The same document,
    options and tokenizer always give the same chunks; an edit changes only the chunks near it.

    Returns:
        The chunks ordered by `start`; each `tokens` is exact and at most `options.max_tokens`.
        A document without words has none.

    Raises:
        ChunkingError: the tokenizer needs more tokens for a few characters than a chunk may have.
    """
    sections, prefixes = shortened_paths(
        sections_of(scan(document)), tokenizer, options.max_tokens // 3
    )
    pending = [(one, _room(options, prefixes[one.path], tokenizer)) for one in sections]
    done: list[tuple[Span, int]] = []
    while pending:
        spans = _measured_spans(document.text, pending, prefixes, tokenizer)
        too_long = {span.section for span, tokens in spans if tokens > options.max_tokens}
        done.extend(pair for pair in spans if pair[0].section not in too_long)
        pending = [(one, _smaller(room)) for one, room in pending if one.start in too_long]
    done.sort(key=lambda pair: pair[0].start)
    return _chunks(document, done)


def _room(options: ChunkerOptions, prefix_tokens: int, tokenizer: Tokenizer) -> Room:
    whole = options.max_tokens - prefix_tokens - _SLACK
    if not tokenizer.additive:
        whole = int(whole * _NOT_ADDITIVE_SHARE)
    return Room(whole, options.overlap_tokens)


def _smaller(room: Room) -> Room:
    whole, overlap = int(room.whole * _SMALLER), int(room.overlap * _SMALLER)
    if whole - overlap < 1:
        raise ChunkingError("A few characters have more tokens than a chunk may have.")
    return Room(whole, overlap)


def _measured_spans(
    text: str,
    sections: Sequence[tuple[Section, Room]],
    prefixes: Mapping[tuple[str, ...], int],
    tokenizer: Tokenizer,
) -> list[tuple[Span, int]]:
    passages = assemble(text, sections, tokenizer)
    spans = [span for passage in passages if (span := span_of(text, passage)) is not None]
    return list(zip(spans, measured(text, spans, prefixes, tokenizer), strict=True))


def _chunks(document: ParsedDocument, spans: Sequence[tuple[Span, int]]) -> list[Chunk]:
    seen: Counter[str] = Counter()
    chunks: list[Chunk] = []
    for ordinal, (span, tokens) in enumerate(spans):
        text = document.text[span.start : span.end]
        content = embedding_text(span.path, text)
        chunks.append(
            Chunk(
                ordinal=ordinal,
                occurrence=seen[content],
                text=text,
                start=span.start,
                end=span.end,
                heading_path=span.path,
                page_first=_page(document, span.start),
                page_last=_page(document, span.end - 1),
                tokens=tokens,
            )
        )
        seen[content] += 1
    return chunks


def _page(document: ParsedDocument, offset: int) -> int | None:
    if not document.paged:
        return None
    return document.pages[bisect_right(document.page_starts, offset) - 1].number
