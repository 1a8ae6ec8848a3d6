"""Reads the blocks of a page, in the order in which they are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from bs4 import Tag
from bs4.element import CData, NavigableString, PreformattedString

from pipeline.parsing.flowing.blocks import Block, Code, Paragraph, heading_or_paragraph
from pipeline.parsing.flowing.inline import PLAIN, Look, Run, inline_markdown
from pipeline.parsing.html.elements import UNSEEN, attribute
from pipeline.parsing.html.forms import FIELDS, field_text
from pipeline.parsing.html.formulas import formula_text
from pipeline.parsing.html.lists import definitions, list_items
from pipeline.parsing.html.tables import is_table, table

_BLOCKS = frozenset(
    {"p", "div", "section", "article", "main", "address", "fieldset", "form", "figure",
     "figcaption", "center", "header", "footer", "aside", "nav", "blockquote", "li", "dd", "dt",
     "hr", "details", "summary", "legend", "button", "caption", "td", "th", "tr", "tbody", "body",
     "html", "optgroup", "hgroup", "search", "dialog"}
)  # fmt: skip
_LOOKS: dict[str, Callable[[Look], Look]] = {
    **dict.fromkeys(("b", "strong"), lambda look: replace(look, bold=True)),
    **dict.fromkeys(("i", "em", "cite", "dfn", "var"), lambda look: replace(look, italic=True)),
    **dict.fromkeys(("s", "del", "strike"), lambda look: replace(look, struck=True)),
    **dict.fromkeys(("code", "kbd", "samp", "tt"), lambda look: replace(look, code=True)),
    "sup": lambda look: replace(look, shift=1),
    "sub": lambda look: replace(look, shift=-1),
}
_HEADING = re.compile(r"h[1-6]")
_RAISED = re.compile(r"vertical-align\s{0,9}:\s{0,9}(super|sub)\b", re.IGNORECASE)


class FlowReader:
    """Reads an element into blocks; text that stands between blocks becomes paragraphs."""

    def __init__(self, abbreviations: set[str] | None = None, *, emphasis: bool = True) -> None:
        self._blocks: list[Block] = []
        self._runs: list[Run] = []
        self._abbreviations = set() if abbreviations is None else abbreviations
        self._emphasis = emphasis

    def blocks(self, element: Tag) -> list[Block]:
        """The blocks in an element."""
        self._children(element, PLAIN)
        self._close()
        return self._blocks

    def inside(self, element: Tag) -> list[Block]:
        """The blocks in an element of their own: a cell, a list item."""
        return FlowReader(self._abbreviations).blocks(element)

    def line(self, element: Tag) -> str:
        """An element's text on one line, without emphasis: a heading, a caption."""
        blocks = FlowReader(self._abbreviations, emphasis=False)
        blocks._gather(element, PLAIN)
        return " ".join(inline_markdown(blocks._runs, emphasis=False).split())

    def _gather(self, element: Tag, look: Look) -> None:
        """Takes everything in an element as text, blocks too."""
        for child in element.children:
            if isinstance(child, Tag) and child.name in _BLOCKS:
                self._add(" ", look)
                self._gather(child, look)
                self._add(" ", look)
            elif isinstance(child, Tag):
                self._inline(child, look, self._gather)
            elif isinstance(child, NavigableString):
                self._text(child, look)

    def _children(self, element: Tag, look: Look) -> None:
        for child in element.children:
            if isinstance(child, Tag):
                self._element(child, look)
            elif isinstance(child, NavigableString):
                self._text(child, look)

    def _element(self, element: Tag, look: Look) -> None:
        if element.name in UNSEEN:
            return
        if is_table(element):
            self._put([table(element, self)])
        elif _HEADING.fullmatch(element.name):
            self._put([heading_or_paragraph(int(element.name[1]), self.line(element))])
        elif element.name in ("ul", "ol", "menu", "dir"):
            self._put(list_items(element, self))
        elif element.name == "dl":
            self._put(definitions(element, self))
        elif element.name == "pre":
            self._put([Code(_preformatted(element))])
        elif element.name in _BLOCKS:
            self._close()
            self._children(element, look)
            self._close()
        else:
            self._inline(element, look, self._children)

    def _inline(self, element: Tag, look: Look, read: Callable[[Tag, Look], None]) -> None:
        name = element.name
        if name == "br":
            self._runs.append(Run("\n", look))
        elif name == "img":
            self._add(f" {attribute(element, 'alt')} ", look)
        elif name in FIELDS:
            self._add(field_text(element), PLAIN)
        elif name == "math":
            self._add(f" {formula_text(element)} ", PLAIN)
        elif name == "svg":
            self._drawing(element, look)
        elif name == "ruby":
            self._ruby(element, look, read)
        elif name not in UNSEEN:
            read(element, _look(element, look))
            self._abbreviation(element, look)

    def _abbreviation(self, element: Tag, look: Look) -> None:
        """What an abbreviation stands for, where it is first used."""
        meaning = " ".join(attribute(element, "title").split()) if element.name == "abbr" else ""
        if meaning and meaning not in self._abbreviations:
            self._abbreviations.add(meaning)
            self._add(f" ({meaning})", look)

    def _ruby(self, element: Tag, look: Look, read: Callable[[Tag, Look], None]) -> None:
        """A word with its reading above it: ``word(reading)``."""
        for child in element.children:
            if isinstance(child, Tag) and child.name == "rt":
                self._add(f"({child.get_text()})", look)
            elif isinstance(child, Tag) and child.name != "rp":
                read(child, look)
            elif isinstance(child, NavigableString):
                self._text(child, look)

    def _drawing(self, element: Tag, look: Look) -> None:
        for text in element.find_all("text"):
            self._add(f" {text.get_text()} ", look)

    def _text(self, text: NavigableString, look: Look) -> None:
        if not isinstance(text, PreformattedString) or isinstance(text, CData):
            self._add(str(text), look)

    def _add(self, text: str, look: Look) -> None:
        if text:
            self._runs.append(Run(text.replace("\n", " ").replace("\r", " "), look))

    def _put(self, blocks: list[Block]) -> None:
        self._close()
        self._blocks.extend(blocks)

    def _close(self) -> None:
        """Ends the paragraph that is being gathered."""
        runs, self._runs = self._runs, []
        if text := inline_markdown(runs, emphasis=self._emphasis):
            self._blocks.append(Paragraph(text))


def _preformatted(element: Tag) -> str:
    """Preformatted text with its lines, whichever way they are broken."""
    parts = []
    for each in element.descendants:
        if isinstance(each, Tag):
            parts.append("\n" if each.name == "br" else "")
        elif not isinstance(each, PreformattedString):
            parts.append(str(each))
    return "".join(parts).strip("\n")


def _look(element: Tag, look: Look) -> Look:
    if change := _LOOKS.get(element.name):
        return change(look)
    style = attribute(element, "style")
    if style and (match := _RAISED.search(style)):
        return replace(look, shift=1 if match[1].lower() == "super" else -1)
    return look
