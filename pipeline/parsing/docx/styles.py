"""Resolves styles: what a paragraph or a run inherits from its style and that one's base."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TypeAlias

from pipeline.parsing.docx.names import Element, attribute, child, children, is_on, number, value

_MAX_CHAIN = 30
_HEADING = re.compile(r"heading ([1-9])")
_NAMED_LEVELS = {"title": 1, "subtitle": 2}
_SWITCHES = {"w:b": "bold", "w:i": "italic", "w:strike": "struck", "w:dstrike": "struck",
             "w:vanish": "hidden"}  # fmt: skip
_VALUES = {"w:vertAlign": "shift", "w:color": "color", "w:sz": "size"}

Looks: TypeAlias = Mapping[str, str]
"""What run properties say: a switch is ``1`` or empty, a value as the file has it."""


@dataclass(slots=True)
class _Style:
    id: str = ""
    name: str = ""
    base: str = ""
    looks: Looks = field(default_factory=dict)
    outline: int | None = None
    number_id: str | None = None
    number_level: int | None = None
    shaded: bool = False


@dataclass(frozen=True, slots=True)
class ParagraphStyle:
    """What a paragraph has from its style.

    Attributes:
        heading: the level of a heading, None for other paragraphs.
        number_id, number_level: the list that its paragraphs belong to, when they do.
        number_style: the style, its own or a base, that says so.
    """

    id: str = ""
    heading: int | None = None
    caption: bool = False
    looks: Looks = field(default_factory=dict)
    number_id: str | None = None
    number_level: int | None = None
    number_style: str = ""
    shaded: bool = False


def looks_of(properties: Element | None) -> Looks:
    """What run properties say of how a run looks."""
    if properties is None or not len(properties):
        return {}
    found: dict[str, str] = {}
    for name, element in children(properties):
        if key := _SWITCHES.get(name):
            found[key] = "1" if is_on(element) else ""
        elif key := _VALUES.get(name):
            found[key] = attribute(element, "val") or ""
        elif name == "w:rFonts":
            found["font"] = attribute(element, "ascii") or attribute(element, "hAnsi") or ""
        elif name in ("w:shd", "w:highlight"):
            found["shaded"] = "1" if _is_shade(element) else ""
    return found


def is_shaded(properties: Element | None) -> bool:
    """Whether paragraph or cell properties give a background of another color than white."""
    shade = child(properties, "w:shd")
    return shade is not None and _is_shade(shade)


def _is_shade(element: Element) -> bool:
    fill = (attribute(element, "fill") or attribute(element, "val") or "").lower()
    themed = attribute(element, "themeFill") is not None
    return themed or fill not in ("", "auto", "clear", "none", "white", "ffffff")


class Styles:
    """The styles of a document, by their ids."""

    def __init__(self, root: Element | None) -> None:
        self._styles: dict[str, _Style] = {}
        self._default = ""
        self._defaults = looks_of(child(root, "w:docDefaults", "w:rPrDefault", "w:rPr"))
        for name, element in children(root) if root is not None else ():
            if name == "w:style" and attribute(element, "styleId"):
                self._add(element)
        self.paragraph = cache(self._paragraph)
        self.run = cache(self._run)

    def _add(self, element: Element) -> None:
        paragraph = child(element, "w:pPr")
        outline = value(paragraph, "w:outlineLvl")
        level = value(paragraph, "w:numPr", "w:ilvl")
        style_id = attribute(element, "styleId") or ""
        self._styles[style_id] = _Style(
            id=style_id,
            name=(value(element, "w:name") or "").lower(),
            base=value(element, "w:basedOn") or "",
            looks=looks_of(child(element, "w:rPr")),
            outline=number(outline, 9) if outline is not None else None,
            number_id=value(paragraph, "w:numPr", "w:numId"),
            number_level=number(level) if level is not None else None,
            shaded=is_shaded(paragraph),
        )
        is_default = attribute(element, "default") in ("1", "true", "on")
        if is_default and attribute(element, "type") == "paragraph":
            self._default = style_id

    def _paragraph(self, style_id: str | None) -> ParagraphStyle:
        """What a paragraph has from the style of an id, or from the default one."""
        chain = list(self._chain(style_id or self._default))
        numbered = next((each for each in chain if each.number_id is not None), _Style())
        levels = (each.number_level for each in chain)
        return ParagraphStyle(
            id=style_id or self._default,
            heading=_heading(chain),
            caption=any(each.name == "caption" for each in chain),
            looks=_merged([self._defaults, *(each.looks for each in reversed(chain))]),
            number_id=numbered.number_id,
            number_level=next((level for level in levels if level is not None), None),
            number_style=numbered.id,
            shaded=any(each.shaded for each in chain),
        )

    def _run(self, style_id: str) -> Looks:
        """What a run has from a character style."""
        return _merged([each.looks for each in reversed(list(self._chain(style_id)))])

    def _chain(self, style_id: str) -> Iterator[_Style]:
        for _ in range(_MAX_CHAIN):
            style = self._styles.get(style_id)
            if style is None:
                return
            yield style
            style_id = style.base


def _merged(looks: list[Looks]) -> Looks:
    return {key: each[key] for each in looks for key in each}


def _heading(chain: list[_Style]) -> int | None:
    """The level of a heading: by the style's own name, then by its place in the outline."""
    for style in chain:
        if match := _HEADING.fullmatch(style.name):
            return int(match[1])
        if style.name in _NAMED_LEVELS:
            return _NAMED_LEVELS[style.name]
        if style.outline is not None:
            return style.outline + 1 if style.outline < 9 else None
    return None
