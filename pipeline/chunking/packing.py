"""Packs neighboring small sections of one parent into one passage, as far as they fit.

A section of a few lines costs an input, a row and words of its own. So a small section with its
subsections is one passage, and small siblings share one, each with its heading in the text; above
it stand the headings that are true of all. What reads differently stays apart: sections of two
roles (an exclusion must stay findable as one), and a table that needs its columns beside it. So
does what stands on two pages: a passage names the page where a reader finds what it answers. No
section is cut for it. Where a row of siblings is parted depends on the text nearby alone, as in
`assembly`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, pairwise

from pipeline.chunk_roles import Role
from pipeline.chunking.assembly import cuts_of
from pipeline.chunking.blocks import BlockKind
from pipeline.chunking.contexts import Contexts
from pipeline.chunking.headings import MAX_DEPTH
from pipeline.chunking.roles import role_of
from pipeline.chunking.sections import Section, shared_path
from pipeline.chunking.units import Room, Stretch, Unit, count_units, stretches_of
from pipeline.documents import embedding_text
from pipeline.tokens import Tokenizer

Path = tuple[str, ...]

# Sections are joined up to a third of a passage. Up to two thirds, a question's own section was
# found less often (decision 0093).
_SHARE = 3
# Tokenizers whose counts do not add up count a joined text a little differently.
_NOT_ADDITIVE_SHARE = 0.97


@dataclass(frozen=True, slots=True)
class _Part:
    """Sections that are one passage.

    Attributes:
        tokens: of their text, without headings above it.
        small: others may be joined to it.
        page: the index of the one that all of it stands on; only of small ones.
    """

    sections: tuple[Section, ...]
    role: Role
    tokens: int
    small: bool
    page: int

    def may_join(self, other: _Part) -> bool:
        """Whether both can be read as one: by role, and on one page."""
        return (self.role, self.page) == (other.role, other.page)

    @property
    def path(self) -> Path:
        """The headings above it, outermost first; of several sections, those above all."""
        return self.sections[0].path if len(self.sections) == 1 else _common(self.sections)


class Packer:
    """Packs the sections of one document.

    Args:
        text: the document's, with `fold_in_place`.
        max_tokens: of a passage with what is embedded before it.
        slack: tokens that are kept free.
    """

    def __init__(
        self, text: str, contexts: Contexts, tokenizer: Tokenizer, max_tokens: int, slack: int
    ) -> None:
        self._text, self._contexts, self._tokenizer = text, contexts, tokenizer
        self._max_tokens, self._slack = max_tokens, slack
        self._most = max_tokens // _SHARE
        self._rooms: dict[Path, int] = {}

    def pack(self, sections: Sequence[Section]) -> list[Section]:
        """The sections with small neighbors joined, in order."""
        parts = self._parts(sections)
        return [_section(part) for part in self._packed(parts, 0)]

    def _parts(self, sections: Sequence[Section]) -> list[_Part]:
        found = [stretches_of(self._text, each, Room(self._max_tokens, 0)) for each in sections]
        units = [unit for stretches in found for stretch in stretches for unit in stretch.units]
        count_units(self._text, units, self._tokenizer, self._max_tokens)
        return [self._part(*pair) for pair in zip(sections, found, strict=True)]

    def _part(self, section: Section, stretches: Sequence[Stretch]) -> _Part:
        start, end = section.start, section.blocks[-1].end
        own = self._text[start:end]
        lead = len(own) - len(own.lstrip())
        tail = start + len(own.rstrip())
        context = self._contexts.of(start + lead, tail, section.path)
        role = role_of(section.titles, own.strip(), context)
        tokens = sum(unit.tokens for stretch in stretches for unit in stretch.units)
        whole = len(stretches) == 1 and stretches[0].units[-1].end == end
        left_out = any(block.kind is BlockKind.LEFT_OUT for block in section.blocks)
        page = section.blocks[0].page
        small = tokens <= self._most and whole and not context and not left_out
        small = small and section.blocks[-1].page == page
        return _Part((section,), role, tokens, small, page)

    def _packed(self, parts: Sequence[_Part], depth: int) -> list[_Part]:
        """Join parts that stand under the same headings down to `depth`."""
        children = [self._child(list(group), depth) for _, group in _by_heading(parts, depth)]
        done: list[_Part] = []
        run: list[_Part] = []
        for child in children:
            small = len(child) == 1 and child[0].small
            if run and not (small and child[0].may_join(run[0])):
                done += self._parted(run)
                run = []
            (run if small else done).extend(child)
        return [*done, *self._parted(run)]

    def _child(self, parts: Sequence[_Part], depth: int) -> list[_Part]:
        """A section with its subsections: one part where they fit, else as many as they fill."""
        if len(parts) == 1:
            return list(parts)
        if all(part.small and part.may_join(parts[0]) for part in parts):
            whole = _joined(parts)
            if whole.tokens <= self._room_under(whole.path):
                return [whole]
        return self._packed(parts, depth + 1)

    def _parted(self, run: Sequence[_Part]) -> list[_Part]:
        """Siblings of one role, joined as far as they fit."""
        if len(run) < 2:
            return list(run)
        room = self._room_under(_common([each for part in run for each in part.sections]))
        done: list[_Part] = []
        for fits, group in groupby(run, lambda part: part.tokens <= room):
            parts = list(group)
            if not fits:
                done += parts
                continue
            stretch = Stretch(parts[0].sections[0], Room(room, 0), [_unit(each) for each in parts])
            cuts = pairwise(cuts_of(self._text, stretch))
            done += [_joined(parts[first:last]) for first, last in cuts]
        return done

    def _room_under(self, path: Path) -> int:
        """The tokens that sections which are joined under a path may have."""
        if path not in self._rooms:
            embedded = embedding_text(path[-MAX_DEPTH:], "")
            above = self._tokenizer.count([embedded])[0] if path else 0
            room = self._max_tokens - min(above, self._max_tokens // 3) - self._slack
            room = room if self._tokenizer.additive else int(room * _NOT_ADDITIVE_SHARE)
            self._rooms[path] = min(room, self._most)
        return self._rooms[path]


def _by_heading(parts: Sequence[_Part], depth: int) -> Iterator[tuple[object, Iterable[_Part]]]:
    """Parts by the heading at a depth; what stands there without one is by itself."""

    def heading(pair: tuple[int, _Part]) -> object:
        number, part = pair
        path = part.path
        return path[depth] if len(path) > depth else number

    for key, group in groupby(enumerate(parts), heading):
        yield key, [part for _, part in group]


def _unit(part: _Part) -> Unit:
    first, last = part.sections[0], part.sections[-1]
    return Unit(first.start, last.blocks[-1].end, BlockKind.PARAGRAPH, tokens=part.tokens)


def _joined(parts: Sequence[_Part]) -> _Part:
    if len(parts) == 1:
        return parts[0]
    sections = tuple(section for part in parts for section in part.sections)
    first = parts[0]
    tokens = sum(part.tokens for part in parts)
    return _Part(sections, first.role, tokens, small=True, page=first.page)


def _common(sections: Sequence[Section]) -> Path:
    """The headings that are true of all of them."""
    path = sections[0].path
    for section in sections:
        path = shared_path(shared_path(path, section.path), section.lead_path)
    return path


def _section(part: _Part) -> Section:
    if len(part.sections) == 1:
        return part.sections[0]
    path = _common(part.sections)
    blocks = tuple(block for section in part.sections for block in section.blocks)
    first = part.sections[0]
    return replace(
        first, path=path, lead_path=path, own_start=first.start, blocks=blocks, role=part.role
    )
