"""Parses Markdown: facts of the front matter, notes beside the text, comments left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from pipeline.notes import Note, NoteKind
from pipeline.parsing.flowing.blocks import ReadText
from pipeline.parsing.texts.front_matter import front_matter

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_DEFINITION = re.compile(r" {0,3}\[\^([^\s\[\]]{1,100})\]:")
_REFERENCE = re.compile(r"\[\^([^\s\[\]]{1,100})\](?!:)")


def read(text: str) -> ReadText:
    """A Markdown file as a reader sees it; a file without any of that is left as it is."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    facts, lines, rest = front_matter(text)
    body, hidden = _without_comments(rest)
    body = _with_notes_beside(body)
    listed = "\n".join(f"- {line}" for line in lines)
    note = Note(NoteKind.HIDDEN_LEFT_OUT, "Comments, which a reader does not see, were left out.")
    return ReadText(
        f"{listed}\n\n{body.lstrip()}" if listed else body,
        notes=(note,) if hidden else (),
        facts=facts,
    )


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """The lines of a text with their ends, and whether they stand in fenced code."""
    fence = ""
    for line in text.splitlines(keepends=True) if "\n" in text else [text]:
        mark = _FENCE.match(line)
        closes = mark is not None and fence and mark[1].startswith(fence)
        yield line, bool(fence) or mark is not None
        if closes:
            fence = ""
        elif mark is not None and not fence:
            fence = mark[1]


def _without_comments(text: str) -> tuple[str, bool]:
    """A text without its HTML comments, and whether any had words; code stays."""
    if "<!--" not in text:
        return text, False
    kept: list[str] = []
    dropped: list[str] = []
    for piece, is_code in _runs(_pieces(text)):
        if is_code:
            kept.append(piece)
        else:
            _part(piece, kept, dropped)
    return "".join(kept), any(map(str.isalnum, "".join(dropped)))


def _runs(pieces: Iterable[tuple[str, bool]]) -> Iterator[tuple[str, bool]]:
    """Neighboring lines of one kind made one."""
    gathered: list[str] = []
    kind = False
    for piece, is_code in pieces:
        if gathered and is_code != kind:
            yield "".join(gathered), kind
            gathered = []
        gathered.append(piece)
        kind = is_code
    yield "".join(gathered), kind


def _part(text: str, kept: list[str], dropped: list[str]) -> None:
    """Sorts a text into what is kept and the comments; one that never ends is none."""
    at = 0
    while (start := text.find("<!--", at)) >= 0:
        end = text.find("-->", start + 4)
        if end < 0:
            break
        if _in_code_span(text, start):
            kept.append(text[at : start + 4])
            at = start + 4
            continue
        kept.append(text[at:start])
        dropped.append(text[start + 4 : end])
        at = end + 3
        # A comment with a line of its own takes the blank line after it with it.
        if not text[max(0, start - 2) : start].strip("\n"):
            at += len(text[at : at + 2]) - len(text[at : at + 2].lstrip("\n"))
    kept.append(text[at:])


def _in_code_span(text: str, at: int) -> bool:
    line = text[max(text.rfind("\n", max(0, at - 1000), at) + 1, at - 1000) : at]
    return line.count("`") % 2 == 1


def _with_notes_beside(text: str) -> str:
    """A text whose footnotes follow the paragraph, list or table that cites them first."""
    if "[^" not in text:
        return text
    lines = list(_pieces(text))
    notes, places = _notes(lines)
    out: list[str] = []
    for block in _blocks(lines, places):
        out.append(block)
        for name in dict.fromkeys(_REFERENCE.findall(block)):
            if name in notes:
                out.append("\n" if out[-1].endswith("\n") else "\n\n")
                out.append(notes.pop(name).strip("\n") + "\n")
    return "".join(out)


def _notes(lines: list[tuple[str, bool]]) -> tuple[dict[str, str], set[int]]:
    """The footnotes that the text cites, by name, and the lines that they stand on."""
    definitions = [None if is_code else _DEFINITION.match(line) for line, is_code in lines]
    texts = (
        line
        for (line, code), found in zip(lines, definitions, strict=True)
        if not code and not found
    )
    cited = {name for line in texts for name in _REFERENCE.findall(line)}
    gathered: dict[str, list[str]] = {}
    places: set[int] = set()
    name = ""
    for number, (line, _) in enumerate(lines):
        match = definitions[number]
        if match:
            name = match[1] if match[1] in cited and match[1] not in gathered else ""
        elif not _goes_on(line, number, lines, places):
            name = ""
        if name:
            gathered.setdefault(name, []).append(line)
            places.add(number)
    return {key: "".join(found) for key, found in gathered.items()}, places


def _goes_on(line: str, number: int, lines: list[tuple[str, bool]], notes: set[int]) -> bool:
    """Whether a line belongs to the footnote on the line above: indented, blank, or touching."""
    if number - 1 not in notes:
        return False
    is_touching = bool(lines[number - 1][0].strip())
    return not line.strip() or line.startswith(("    ", "\t")) or is_touching


def _blocks(lines: list[tuple[str, bool]], left_out: set[int]) -> Iterator[str]:
    """The paragraphs, lists and tables of a text, each up to the blank line after it."""
    gathered: list[str] = []
    for number, (line, is_code) in enumerate(lines):
        if number in left_out:
            continue
        if not line.strip() and not is_code and gathered:
            yield "".join(gathered)
            gathered = []
        gathered.append(line)
    yield "".join(gathered)
