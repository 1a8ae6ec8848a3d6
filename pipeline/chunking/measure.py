"""Sums the exact tokens of a chunk from its units, which were each counted once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.chunking.assembly import DraftChunk
from pipeline.chunking.contexts import Contexts
from pipeline.chunking.cuts import is_additive
from pipeline.documents import embedding_text
from pipeline.text import fold
from pipeline.tokens import Tokenizer

_NEAR = 64
# Tokenizers that were trained with these marks count a text around them in their own way.
_SPECIAL = ("<s>", "</s>", "<unk>")


@dataclass(frozen=True, slots=True)
class Span:
    """A passage without the white space around it.

    Attributes:
        path: the headings that are true of all of it.
        context: what it lacks of a table that begins before it.
    """

    passage: DraftChunk
    start: int
    end: int
    path: tuple[str, ...]
    context: str = ""

    @property
    def above(self) -> tuple[tuple[str, ...], str]:
        """What is embedded before its text."""
        return self.path, self.context

    @property
    def section(self) -> int:
        """Where its section begins."""
        return self.passage.section.start


Above = tuple[tuple[str, ...], str]
"""A path of headings and a context."""


@dataclass(slots=True)
class _Sum:
    """A count made of parts: what is known, and texts still to be counted."""

    known: int = 0
    whole: list[str] = field(default_factory=list)
    continuing: list[str] = field(default_factory=list)
    not_continuing: list[str] = field(default_factory=list)


def span_of(text: str, passage: DraftChunk, contexts: Contexts) -> Span | None:
    """A passage without the white space around it; None when it adds nothing else."""
    raw_start, raw_end = passage.units[0].start, passage.units[-1].end
    if text[passage.own_start : raw_end].isspace():
        return None
    raw = text[raw_start:raw_end]
    body = raw.strip()
    start = raw_start + len(raw) - len(raw.lstrip())
    section = passage.section
    path = section.lead_path if start < section.own_start else section.path
    end = start + len(body)
    return Span(passage, start, end, path, contexts.of(start, end, path))


def measured(
    text: str, spans: Sequence[Span], prefixes: dict[Above, int], tokenizer: Tokenizer
) -> list[int]:
    """The tokens of each span's embedding text, exactly.

    With an additive tokenizer only the words at a span's edges are counted again, since there the
    span is without the white space that its units were counted with.

    Args:
        text: the document's, with `fold_in_place`.
        prefixes: the tokens of what is embedded before a text; those of new contexts are added.
    """
    _count_prefixes(spans, prefixes, tokenizer)
    sums = [_sum_of(text, span, prefixes, additive=tokenizer.additive) for span in spans]
    whole = iter(tokenizer.count([piece for one in sums for piece in one.whole]))
    pieces = [piece for one in sums for piece in (*one.continuing, *one.not_continuing)]
    continuing = iter(tokenizer.count_continuing(pieces))
    tokens: list[int] = []
    for one in sums:
        count = one.known + sum(next(whole) for _ in one.whole)
        count += sum(next(continuing) for _ in one.continuing)
        tokens.append(count - sum(next(continuing) for _ in one.not_continuing))
    return tokens


def _count_prefixes(
    spans: Sequence[Span], prefixes: dict[Above, int], tokenizer: Tokenizer
) -> None:
    new = list({span.above for span in spans if span.above not in prefixes})
    texts = [embedding_text(path, "", context) for path, context in new]
    prefixes.update(zip(new, tokenizer.count(texts), strict=True))


def _sum_of(text: str, span: Span, prefixes: Mapping[Above, int], *, additive: bool) -> _Sum:
    units = span.passage.units
    body = text[span.start : span.end]
    if additive and _adds_up(body) and all(is_additive(text, unit.start) for unit in units[1:]):
        known = prefixes[span.above] + sum(unit.tokens for unit in units)
        if (mended := _with_edges(text, span, known)) is not None:
            return mended
    return _Sum(whole=[embedding_text(span.path, body, span.context)])


def _adds_up(body: str) -> bool:
    """Whether nothing in a passage is folded into more or less than one character."""
    if "<" in body and any(mark in body for mark in _SPECIAL):
        return False
    return body.isascii() or fold(body) == body


def _with_edges(text: str, span: Span, known: int) -> _Sum | None:
    """The sum of the units mended at both edges, or None when no word begins near an edge."""
    result = _Sum(known)
    has_prefix = bool(span.path or span.context)
    raw_start, raw_end = span.passage.units[0].start, span.passage.units[-1].end
    first = span.start
    if span.start != raw_start or not has_prefix:
        first = text.find(" ", span.start + 1, min(span.end, span.start + _NEAR))
        if first < 0 or not is_additive(text, first):
            return None
        # Headings come before the text, so without any the text itself begins the count.
        (result.continuing if has_prefix else result.whole).append(text[span.start : first])
        result.not_continuing.append(text[raw_start:first])
    if span.end != raw_end:
        last = text.rfind(" ", max(first, span.end - _NEAR), span.end)
        if last < 0 or not is_additive(text, last):
            return None
        result.continuing.append(text[last : span.end])
        result.not_continuing.append(text[last:raw_end])
    return result
