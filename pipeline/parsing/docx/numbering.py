"""Counts the numbers of clauses and list items as Word counts them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from pipeline.parsing.docx.names import Element, attribute, child, children, is_on, number, value
from pipeline.parsing.docx.number_formats import written
from pipeline.parsing.docx.styles import Styles, looks_of
from pipeline.parsing.docx.symbols import symbols

LEVELS = 9
_PLACE = re.compile(r"%([1-9])")


class Label(NamedTuple):
    """What stands before a numbered paragraph; `text` is ``-`` for a bullet."""

    text: str
    is_bullet: bool
    level: int


@dataclass(frozen=True, slots=True)
class _Level:
    """How the paragraphs of one level of a list are numbered.

    Attributes:
        restart: the level (from 1) after which counting begins anew, 0 for never, None for any.
    """

    format: str = "decimal"
    text: str = ""
    start: int = 1
    restart: int | None = None
    legal: bool = False
    style: str = ""
    hidden: bool = False


@dataclass(slots=True)
class _List:
    """A numbering definition with its counters, which all lists that use it share."""

    levels: dict[int, _Level] = field(default_factory=dict)
    style_link: str = ""
    counts: list[int | None] = field(default_factory=lambda: [None] * LEVELS)


@dataclass(slots=True)
class _Instance:
    """A list that uses a definition, with what it changes of it."""

    definition: str
    levels: dict[int, _Level] = field(default_factory=dict)
    starts: dict[int, int] = field(default_factory=dict)
    begun: bool = False


class Numbering:
    """Counts the numbered paragraphs of a document, which are asked about in their order."""

    def __init__(self, root: Element | None, styles: Styles) -> None:
        self._styles = styles
        self._lists: dict[str, _List] = {}
        self._instances: dict[str, _Instance] = {}
        for name, element in children(root) if root is not None else ():
            if name == "w:abstractNum":
                self._lists[attribute(element, "abstractNumId") or ""] = _list(element)
            elif name == "w:num":
                self._instances[attribute(element, "numId") or ""] = _instance(element)

    def level_of_style(self, number_id: str, style_id: str) -> int | None:
        """The level of a list that a paragraph style is tied to."""
        found = self._found(number_id)
        levels = found[1].levels if found else {}
        return next(
            (n for n, level in levels.items() if style_id and level.style == style_id), None
        )

    def label(self, number_id: str, level: int) -> Label | None:
        """Counts a paragraph and returns what stands before it, None when nothing does."""
        found = self._found(number_id)
        level = min(max(level, 0), LEVELS - 1)
        if found is None:
            return None
        instance, definition = found
        levels = {**definition.levels, **instance.levels}
        own = levels.get(level)
        if own is None:
            return None
        _begin(instance, definition)
        _count(level, levels, instance.starts, definition.counts)
        if own.hidden:
            return None
        return _label(level, levels, instance.starts, definition.counts)

    def _found(self, number_id: str) -> tuple[_Instance, _List] | None:
        instance = self._instances.get(number_id)
        definition = self._lists.get(instance.definition) if instance else None
        if instance is None or definition is None:
            return None
        if definition.style_link and not definition.levels:
            linked = self._styles.paragraph(definition.style_link).number_id or ""
            real = self._instances.get(linked)
            definition = self._lists.get(real.definition, definition) if real else definition
        return instance, definition


def _list(element: Element) -> _List:
    found = _List(style_link=value(element, "w:numStyleLink") or "")
    for name, each in children(element):
        if name == "w:lvl":
            found.levels[number(attribute(each, "ilvl"))] = _level(each)
    return found


def _instance(element: Element) -> _Instance:
    found = _Instance(value(element, "w:abstractNumId") or "")
    for name, override in children(element):
        if name != "w:lvlOverride":
            continue
        at = number(attribute(override, "ilvl"))
        if (level := child(override, "w:lvl")) is not None:
            found.levels[at] = _level(level)
        if (start := value(override, "w:startOverride")) is not None:
            found.starts[at] = number(start, 1)
    return found


def _level(element: Element) -> _Level:
    restart = value(element, "w:lvlRestart")
    number_format = value(element, "w:numFmt") or "decimal"
    text = value(element, "w:lvlText") or ""
    looks = looks_of(child(element, "w:rPr"))
    if number_format == "bullet":
        text = symbols(text, looks.get("font", ""))
    return _Level(
        format=number_format,
        text=text,
        start=number(value(element, "w:start"), 0 if value(element, "w:start") is None else 1),
        restart=number(restart) if restart is not None else None,
        legal=is_on(child(element, "w:isLgl")),
        style=value(element, "w:pStyle") or "",
        hidden=bool(looks.get("hidden")),
    )


def _begin(instance: _Instance, definition: _List) -> None:
    """A list with starts of its own begins anew where it is first used."""
    if instance.begun:
        return
    instance.begun = True
    for level in instance.starts:
        definition.counts[level:] = [None] * (LEVELS - level)


def _start(level: int, levels: dict[int, _Level], starts: dict[int, int]) -> int:
    return starts.get(level, levels[level].start if level in levels else 1)


def _count(
    level: int, levels: dict[int, _Level], starts: dict[int, int], counts: list[int | None]
) -> None:
    before = counts[level]
    counts[level] = _start(level, levels, starts) if before is None else before + 1
    for deeper in range(level + 1, LEVELS):
        restart = levels[deeper].restart if deeper in levels else None
        if restart is None or level < restart:
            counts[deeper] = None


def _label(
    level: int, levels: dict[int, _Level], starts: dict[int, int], counts: list[int | None]
) -> Label | None:
    own = levels[level]
    if own.format == "bullet":
        box = own.text if own.text.startswith(("[", "✓", "✗")) else ""
        return Label(f"- {box}".strip(), True, level)

    def place(match: re.Match[str]) -> str:
        at = int(match[1]) - 1
        count = counts[at]
        shown = _start(at, levels, starts) if count is None else count
        number_format = levels[at].format if at in levels else "decimal"
        if own.legal and number_format not in ("bullet", "none"):
            number_format = "decimal"
        return written(shown, number_format)

    text = " ".join(_PLACE.sub(place, own.text).split())
    return Label(text, False, level) if text else None
