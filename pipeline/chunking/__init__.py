"""Chunks a parsed document: deterministic, Markdown-aware, sized in tokens."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence

from pipeline.chunking.assembly import assemble
from pipeline.chunking.blocks import scan
from pipeline.chunking.contexts import Contexts
from pipeline.chunking.measure import Above, Span, measured, span_of
from pipeline.chunking.options import CHUNKER_NAME, ChunkerOptions, chunker_version
from pipeline.chunking.outline import settle
from pipeline.chunking.roles import role_of
from pipeline.chunking.sections import Section, sections_of, shortened_paths
from pipeline.chunking.tables import heads_of
from pipeline.chunking.units import Room
from pipeline.documents import Chunk, ParsedDocument, embedding_text
from pipeline.errors import ChunkingError
from pipeline.text import fold_in_place
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
    blocks = scan(document)
    settle(document, blocks)
    heads = heads_of(document, blocks)
    contexts = Contexts(document.text, blocks, heads, tokenizer, options.max_tokens)
    sections, tokens_of_paths = shortened_paths(
        sections_of(blocks, paged=document.paged), tokenizer, options.max_tokens // 3
    )
    prefixes: dict[Above, int] = {(path, ""): n for path, n in tokens_of_paths.items()}
    pending = [
        (one, _room(options, one, tokens_of_paths[one.path], contexts, tokenizer))
        for one in sections
    ]
    # Units are counted as they are embedded, wherever that leaves the offsets as they are.
    text = fold_in_place(document.text)
    done: list[tuple[Span, int]] = []
    while pending:
        passages = assemble(text, pending, tokenizer)
        spans = [span for each in passages if (span := span_of(text, each, contexts)) is not None]
        pairs = list(zip(spans, measured(text, spans, prefixes, tokenizer), strict=True))
        too_long = {span.section for span, tokens in pairs if tokens > options.max_tokens}
        done.extend(pair for pair in pairs if pair[0].section not in too_long)
        pending = [(one, _smaller(room)) for one, room in pending if one.start in too_long]
    done.sort(key=lambda pair: pair[0].start)
    return _chunks(document, done)


def _room(
    options: ChunkerOptions,
    section: Section,
    prefix_tokens: int,
    contexts: Contexts,
    tokenizer: Tokenizer,
) -> Room:
    whole = options.max_tokens - prefix_tokens - _SLACK
    reserved = context = contexts.reserve(section.blocks)
    if reserved and contexts.needed_at_once(section.blocks):
        whole, context = whole - reserved, 0
    if not tokenizer.additive:
        whole = int(whole * _NOT_ADDITIVE_SHARE)
    overlap = options.overlap_tokens
    if reserved:
        overlap = min(overlap, max(0, whole - context) // 3)
    return Room(whole, overlap, context)


def _smaller(room: Room) -> Room:
    sizes = (room.whole, room.overlap, room.context)
    smaller = Room(*(int(size * _SMALLER) for size in sizes))
    if smaller.body < 1:
        raise ChunkingError("A few characters have more tokens than a chunk may have.")
    return smaller


def _chunks(document: ParsedDocument, spans: Sequence[tuple[Span, int]]) -> list[Chunk]:
    seen: Counter[str] = Counter()
    chunks: list[Chunk] = []
    for ordinal, (span, tokens) in enumerate(spans):
        text = document.text[span.start : span.end]
        content = embedding_text(span.path, text, span.context)
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
                context=span.context,
                role=role_of(span.passage.section.titles, text, span.context),
            )
        )
        seen[content] += 1
    return chunks


def _page(document: ParsedDocument, offset: int) -> int | None:
    if not document.paged:
        return None
    return document.pages[bisect_right(document.page_starts, offset) - 1].number
