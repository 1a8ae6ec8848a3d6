"""What stands under which headings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from pipeline.chunking.blocks import Block, BlockKind
from pipeline.documents import embedding_text
from pipeline.tokens import Tokenizer

MAX_LEAD_CHARS = 160


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and what stands under it, up to the next heading of any level.

    Attributes:
        path: the headings above the passage, its own included, outermost first.
        lead_path: what is true of the bare headings that were joined to its front.
        own_start: where the section itself begins, after those headings.
        blocks: in order, those of the bare headings included.
    """

    path: tuple[str, ...]
    lead_path: tuple[str, ...]
    own_start: int
    blocks: tuple[Block, ...]

    @property
    def start(self) -> int:
        """Where its first block begins; no other section of the document begins there."""
        return self.blocks[0].start


def sections_of(blocks: Iterable[Block]) -> list[Section]:
    """Group blocks under their headings.

    A heading with nothing under it is no passage by itself: it is joined to what follows, whose
    path then holds (or shares) what is above both. A long run of them stays by itself.
    """
    sections: list[Section] = []
    bare: list[Section] = []
    for section in _raw_sections(blocks):
        if len(section.blocks) == 1 and section.blocks[0].kind is BlockKind.HEADING:
            bare.append(section)
            continue
        if bare and _chars(bare) <= MAX_LEAD_CHARS:
            section = _joined(bare, section)
        elif bare:
            sections.append(_joined(bare[:-1], bare[-1]))
        bare = []
        sections.append(section)
    if bare:
        sections.append(_joined(bare[:-1], bare[-1]))
    return sections


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


def _raw_sections(blocks: Iterable[Block]) -> list[Section]:
    sections: list[Section] = []
    stack: list[Block] = []
    members: list[Block] = []

    def close() -> None:
        if members:
            path = tuple(heading.title for heading in stack)
            sections.append(Section(path, path, members[0].start, tuple(members)))
            members.clear()

    for block in blocks:
        if block.kind is BlockKind.HEADING:
            close()
            while stack and stack[-1].level >= block.level:
                stack.pop()
            stack.append(block)
        members.append(block)
    close()
    return sections


def _joined(bare: Sequence[Section], section: Section) -> Section:
    if not bare:
        return section
    blocks = tuple(block for part in bare for block in part.blocks)
    lead_path = section.path
    for part in bare:
        # A parent's heading is in the path already; a neighbour's path is shared only in part.
        if section.path[: len(part.path)] != part.path:
            lead_path = _shared(lead_path, part.path)
    return Section(section.path, lead_path, section.own_start, blocks + section.blocks)


def _shared(one: tuple[str, ...], other: tuple[str, ...]) -> tuple[str, ...]:
    length = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        length += 1
    return one[:length]


def _chars(sections: Sequence[Section]) -> int:
    return sum(block.end - block.start for section in sections for block in section.blocks)
