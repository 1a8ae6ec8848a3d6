"""Groups blocks into sections by the headings above them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipeline.chunking.blocks import Block, BlockKind
from pipeline.chunking.headings import MAX_DEPTH, is_contents
from pipeline.chunking.numbering import Label, ends, kinds_of, label_of
from pipeline.chunking.outline import is_repeated
from pipeline.documents import embedding_text
from pipeline.tokens import Tokenizer

_MANY_SECTIONS = 4


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, up to the next heading of any level.

    Attributes:
        path: the headings above the passage, its own included, outermost first.
        lead_path: what is true of the bare headings that were joined to its front.
        own_start: where the section itself begins, after those headings.
        blocks: in order, those of the bare headings included.
        titles: all headings above it but the document's own title, for its role.
    """

    path: tuple[str, ...]
    lead_path: tuple[str, ...]
    own_start: int
    blocks: tuple[Block, ...]
    titles: tuple[str, ...] = ()

    @property
    def start(self) -> int:
        """Where its first block begins; no other section of the document begins there."""
        return self.blocks[0].start


def sections_of(blocks: Sequence[Block], *, paged: bool = False) -> list[Section]:
    """Group blocks under their headings.

    A heading with nothing under it is no passage by itself: it is joined to what follows, whose
    path then holds (or shares) what is above both; at the end, to what stands before it.
    """
    sections: list[Section] = []
    bare: list[Section] = []
    for section in _raw_sections(blocks, paged=paged):
        if _is_bare(section):
            bare.append(section)
            continue
        sections.append(_joined(bare, section))
        bare = []
    if bare and sections:
        sections[-1] = _ended(sections[-1], bare)
    elif bare:
        sections.append(_joined(bare[:-1], bare[-1]))
    return sections


def _is_bare(section: Section) -> bool:
    return all(block.kind is BlockKind.HEADING or block.thin for block in section.blocks)


def _ended(section: Section, bare: Sequence[Section]) -> Section:
    blocks = [block for part in bare for block in part.blocks]
    for block in blocks:
        block.become_text()
        block.thin = True
    return replace(section, blocks=(*section.blocks, *blocks))


def shortened_paths(
    sections: Sequence[Section], tokenizer: Tokenizer, limit: int
) -> tuple[list[Section], dict[tuple[str, ...], int]]:
    """The sections with paths of at most `limit` tokens, and the tokens of each such path.

    Outer headings are dropped first, then the last one is cut.
    """
    paths = list({path for section in sections for path in (section.path, section.lead_path)})
    counts = tokenizer.count([embedding_text(path, "") for path in paths])
    fitted: dict[tuple[str, ...], tuple[str, ...]] = {}
    tokens: dict[tuple[str, ...], int] = {(): 0}
    for path, count in zip(paths, counts, strict=True):
        fitted[path], tokens_of_path = _shortened(path, count if path else 0, tokenizer, limit)
        tokens[fitted[path]] = tokens_of_path
    return [
        replace(section, path=fitted[section.path], lead_path=fitted[section.lead_path])
        for section in sections
    ], tokens


def _shortened(
    path: tuple[str, ...], tokens: int, tokenizer: Tokenizer, limit: int
) -> tuple[tuple[str, ...], int]:
    while path and tokens > limit:
        if len(path) > 1:
            path = path[1:]
        else:
            length = min(len(path[0]) - 1, len(path[0]) * limit // tokens)
            title = path[0][:length].rstrip()
            path = (title,) if title else ()
        tokens = tokenizer.count([embedding_text(path, "")])[0] if path else 0
    return path, tokens


def _raw_sections(blocks: Sequence[Block], *, paged: bool) -> list[Section]:
    found: list[tuple[tuple[Block, ...], list[Block]]] = []
    above = _Above(blocks)
    members: list[Block] = []
    page = 0
    for block in blocks:
        if block.kind is BlockKind.HEADING:
            if is_repeated(block, above.headings, first_on_page=paged and block.page != page):
                block.become_text()
            else:
                if members:
                    found.append((tuple(above.headings), members))
                above.enter(block)
                members = []
        page = block.page
        members.append(block)
    if members:
        found.append((tuple(above.headings), members))
    own = _titles_of_document(found)
    return [_section(headings, tuple(own_blocks), own) for headings, own_blocks in found]


def _section(headings: Sequence[Block], blocks: tuple[Block, ...], own: set[int]) -> Section:
    path = tuple(heading.title for heading in headings[-MAX_DEPTH:])
    titles = tuple(heading.title for heading in headings if heading.start not in own)
    return Section(path, path, blocks[0].start, blocks, titles)


def _titles_of_document(found: Sequence[tuple[Sequence[Block], Sequence[Block]]]) -> set[int]:
    """Where an outermost heading begins that stands above most of a document and many sections."""
    reach: Counter[int] = Counter()
    sections: Counter[int] = Counter()
    for headings, blocks in found:
        for heading in headings[:1]:
            if label_of(heading.title) is None:
                reach[heading.start] += blocks[-1].end - blocks[0].start
                sections[heading.start] += 1
    most = found[-1][1][-1].end // 2 if found else 0
    return {at for at in reach if reach[at] > most and sections[at] > _MANY_SECTIONS}


class _Above:
    """The headings above a place: by their numbers, and where those say nothing by their level."""

    def __init__(self, blocks: Sequence[Block]) -> None:
        self.headings: list[Block] = []
        self._labels: list[Label | None] = []
        titles = (block.title for block in blocks if block.kind is BlockKind.HEADING)
        self._kinds = kinds_of([label_of(title) for title in titles])

    def enter(self, heading: Block) -> None:
        """Goes on under a heading."""
        label = label_of(heading.title)
        kept = self._kept(heading.level, label)
        self.headings[kept:], self._labels[kept:] = [heading], [label]

    def _kept(self, level: int, label: Label | None) -> int:
        """How many of the headings reach beyond a new one."""
        kept = 0
        for index, (heading, other) in enumerate(zip(self.headings, self._labels, strict=True)):
            if is_contents(heading.title):
                break
            if label and other and ends(label, other, self._kinds):
                break
            if heading.level < level or (label and other and label.extends(other)):
                kept = index + 1
        return kept


def _joined(bare: Sequence[Section], section: Section) -> Section:
    if not bare:
        return section
    blocks = tuple(block for part in bare for block in part.blocks)
    lead_path = section.path
    for part in bare:
        # A parent's heading is in the path already; a neighbor's path is shared only in part.
        if section.path[: len(part.path)] != part.path:
            lead_path = _shared(lead_path, part.path)
    return replace(section, lead_path=lead_path, blocks=blocks + section.blocks)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return one[:length]
