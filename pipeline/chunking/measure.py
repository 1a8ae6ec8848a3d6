"""The exact tokens of a passage from the counts of its units, which were each counted once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from pipeline.chunking.assembly import Passage
from pipeline.chunking.cuts import is_additive
from pipeline.documents import embedding_text
from pipeline.tokens import Tokenizer

_NEAR = 64


@dataclass(frozen=True, slots=True)
class Span:
    """A passage without the white space around it, and the headings that are true of all of it."""

    passage: Passage
    start: int
    end: int
    path: tuple[str, ...]

    @property
    def section(self) -> int:
        """Where its section begins."""
        return self.passage.section.start


@dataclass(slots=True)
class _Sum:
    """A count that is `known` plus the counts of `added` texts minus those of `removed` texts."""

    known: int = 0
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def span_of(text: str, passage: Passage) -> Span | None:
    """A passage without the white space around it; None when there is nothing else."""
    raw_start, raw_end = passage.units[0].start, passage.units[-1].end
    raw = text[raw_start:raw_end]
    body = raw.strip()
    if not body:
        return None
    start = raw_start + len(raw) - len(raw.lstrip())
    section = passage.section
    path = section.lead_path if start < section.own_start else section.path
    return Span(passage, start, start + len(body), path)


def measured(text: str, spans: Sequence[Span], tokenizer: Tokenizer) -> list[int]:
    """The tokens of each span's embedding text, exactly, in one call of the tokenizer.

    With an additive tokenizer only the words at a span's edges are counted again, since there the
    span is without the white space that its units were counted with.
    """
    prefixes: dict[tuple[str, ...], int] = {}
    if tokenizer.additive:
        paths = list({span.path for span in spans if span.path})
        counts = tokenizer.count([embedding_text(path, "") for path in paths])
        prefixes = dict(zip(paths, counts, strict=True))
    sums = [_sum_of(text, span, prefixes, additive=tokenizer.additive) for span in spans]
    texts = [piece for one in sums for piece in (*one.added, *one.removed)]
    counts_left = iter(tokenizer.count(texts))
    tokens: list[int] = []
    for one in sums:
        added = sum(next(counts_left) for _ in one.added)
        removed = sum(next(counts_left) for _ in one.removed)
        tokens.append(one.known + added - removed)
    return tokens


def _sum_of(text: str, span: Span, prefixes: dict[tuple[str, ...], int], *, additive: bool) -> _Sum:
    whole = _Sum(added=[embedding_text(span.path, text[span.start : span.end])])
    units = span.passage.units
    if not additive or not all(is_additive(text, unit.start) for unit in units[1:]):
        return whole
    known = prefixes.get(span.path, 0) + sum(unit.tokens for unit in units)
    return _with_edges(text, span, known) or whole


def _with_edges(text: str, span: Span, known: int) -> _Sum | None:
    """The sum of the units mended at both edges, or None when no word begins near an edge."""
    result = _Sum(known)
    raw_start, raw_end = span.passage.units[0].start, span.passage.units[-1].end
    first = span.start
    if span.start != raw_start:
        first = text.find(" ", span.start + 1, min(span.end, span.start + _NEAR))
        if first < 0 or not is_additive(text, first):
            return None
        result.added.append(text[span.start : first])
        result.removed.append(text[raw_start:first])
    if span.end != raw_end:
        last = text.rfind(" ", max(first, span.end - _NEAR), span.end)
        if last < 0 or not is_additive(text, last):
            return None
        result.added.append(text[last : span.end])
        result.removed.append(text[last:raw_end])
    return result
