"""Reads the text of a Word paragraph from its runs, with what is hidden left out."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from pipeline.parsing.docx.context import Context, chosen
from pipeline.parsing.docx.fields import check_box_of
from pipeline.parsing.docx.formulas import formula_text
from pipeline.parsing.docx.names import Element, attribute, child, children, value
from pipeline.parsing.docx.styles import ParagraphStyle, is_shaded, looks_of
from pipeline.parsing.docx.symbols import is_symbol_font, symbol, symbols
from pipeline.parsing.flowing.blocks import Block
from pipeline.parsing.flowing.inline import Look, Run, with_boxes

_PASSED_OVER = frozenset(
    {"w:pPr", "w:rPr", "w:sdtPr", "w:sdtEndPr", "w:smartTagPr", "w:customXmlPr", "w:fldData",
     "w:del", "w:moveFrom", "w:delText", "w:delInstrText", "w:softHyphen"}
)  # fmt: skip
_CHARACTERS = {"w:tab": "\t", "w:ptab": "\t", "w:br": "\n", "w:cr": "\n", "w:noBreakHyphen": "-"}
_PRIVATE = re.compile("[\uf000-\uf0ff]")
_TINY = ("1", "2")
_SHIFTS = {"superscript": 1, "subscript": -1}

BlocksOf = Callable[[Element], list[Block]]


class RunReader:
    """Reads one paragraph.

    Attributes:
        runs: its text.
        aside: what stands in text boxes and charts that are anchored in it.
    """

    def __init__(
        self, context: Context, paragraph: Element, style: ParagraphStyle, pictured: BlocksOf
    ) -> None:
        self.runs: list[Run] = []
        self.aside: list[Block] = []
        self._context = context
        self._style = style
        self._pictured = pictured
        self._shaded = style.shaded or is_shaded(child(paragraph, "w:pPr"))
        self._box_written = False
        self._read(paragraph)

    def _read(self, element: Element) -> None:
        for name, each in children(element):
            self._one(name, each)

    def _one(self, name: str, element: Element) -> None:
        match name:
            case "w:r":
                self._run(element)
            case "w:sdt":
                self._control(element)
            case "m:oMath" | "m:oMathPara":
                self._add(f" {formula_text(element)} ", Look())
            case "mc:AlternateContent":
                branch = chosen(element)
                if branch is not None:
                    self._read(branch)
            case _ if name not in _PASSED_OVER:
                self._read(element)

    def _control(self, element: Element) -> None:
        """A content control; a check box is written as its state, whatever it shows."""
        checked = check_box_of(child(element, "w:sdtPr"))
        before = self._context.check_box, self._box_written
        if checked is not None:
            self._context.check_box, self._box_written = checked, False
        self._read(element)
        if checked is not None:
            self._context.check_box, self._box_written = before

    def _run(self, element: Element) -> None:
        properties = child(element, "w:rPr")
        direct = looks_of(properties)
        own = {**self._context.styles.run(value(properties, "w:rStyle") or ""), **direct}
        # A tiny size that the whole document has from its style is a mishap, not a hiding place.
        looks = {**self._style.looks, "size": "", **own}
        look = Look(
            bold=bool(own.get("bold")),
            italic=bool(own.get("italic")),
            struck=bool(own.get("struck")),
            shift=_SHIFTS.get(looks.get("shift", ""), 0),
        )
        for name, each in children(element):
            self._piece(name, each, looks, look)

    def _piece(self, name: str, element: Element, looks: Mapping[str, str], look: Look) -> None:
        if name == "w:fldChar":
            self._add(self._context.fields.mark(element), Look())
        elif name == "w:instrText":
            self._context.fields.instruct(element.text or "")
        elif name in _PASSED_OVER or self._context.fields.in_instruction:
            return
        elif self._is_hidden(looks):
            self._hide(element)
        elif name == "w:t":
            self._text(element.text or "", looks.get("font", ""), look)
        elif name == "w:sym":
            code, font = attribute(element, "char") or "", attribute(element, "font") or ""
            self._add(symbol(code, font), look)
        elif name in _CHARACTERS:
            self._add(_CHARACTERS[name], look)
        else:
            self._other(name, element, looks, look)

    def _other(self, name: str, element: Element, looks: Mapping[str, str], look: Look) -> None:
        match name:
            case "w:footnoteReference" | "w:endnoteReference":
                mark = self._context.cite(name[2:-9], element)
                self._add(f" [{mark}]" if mark else "", Look())
            case "w:drawing" | "w:pict" | "w:object":
                self.aside.extend(self._pictured(element))
            case "mc:AlternateContent":
                branch = chosen(element)
                for inner, each in children(branch) if branch is not None else ():
                    self._piece(inner, each, looks, look)
            case "w:ruby":
                self._ruby(element)

    def _ruby(self, element: Element) -> None:
        """A word with its reading above it: ``word(reading)``."""
        for part, opening, closing in (("w:rubyBase", "", ""), ("w:rt", "(", ")")):
            inside = child(element, part)
            if inside is not None:
                self._add(opening, Look())
                self._read(inside)
                self._add(closing, Look())

    def _text(self, text: str, font: str, look: Look) -> None:
        if self._context.check_box is not None:
            self._check_box()
            return
        text = text.replace("\n", " ")
        if is_symbol_font(font) or _PRIVATE.search(text):
            text = symbols(text, font)
        self._add(with_boxes(text), look)

    def _check_box(self) -> None:
        if not self._box_written:
            self._add("[x] " if self._context.check_box else "[ ] ", Look())
        self._box_written = True

    def _add(self, text: str, look: Look) -> None:
        if not text:
            return
        if text.startswith(("[x]", "[ ]")) and self.runs and self.runs[-1].text[-1:].isalnum():
            text = " " + text
        self.runs.append(Run(text, look))

    def _is_hidden(self, looks: Mapping[str, str]) -> bool:
        if looks.get("hidden"):
            return True
        on_paper = not (self._context.boxed or self._shaded or looks.get("shaded"))
        is_white = looks.get("color", "").lower() == "ffffff"
        return (is_white and on_paper) or looks.get("size") in _TINY

    def _hide(self, element: Element) -> None:
        if any(map(str.isalnum, element.text or "")):
            self._context.left_out.hidden = True


def has_mark(properties: Element | None, name: str) -> bool:
    """Whether a paragraph's own mark is deleted (``w:del``) or hidden (``w:vanish``)."""
    return child(properties, "w:rPr", name) is not None
