"""Fields of a Word document: their results are text, their instructions are not."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field

from pipeline.parsing.docx.names import Element, attribute, child, children, is_on, number, value
from pipeline.parsing.docx.symbols import symbols

_MAX_INSTRUCTION = 4000
_WORD = re.compile(r"\A\s*+([A-Za-z]++)")


@dataclass(slots=True)
class _Field:
    data: Element | None
    instruction: str = ""
    has_result: bool = False
    shown: list[bool] = field(default_factory=list)


class Fields:
    """The fields that are open at a place in the text; they may reach over paragraphs."""

    def __init__(self) -> None:
        self._open: list[_Field] = []

    @property
    def in_instruction(self) -> bool:
        """Whether what is read is the instruction of a field, which nobody sees."""
        return any(not each.has_result for each in self._open)

    def instruct(self, text: str) -> None:
        """Takes a piece of the instruction of the innermost field."""
        if self._open and len(self._open[-1].instruction) < _MAX_INSTRUCTION:
            self._open[-1].instruction += text

    def mark(self, element: Element) -> str:
        """Takes a field's mark (``w:fldChar``) and returns the text that the field shows by it."""
        match attribute(element, "fldCharType"):
            case "begin":
                self._open.append(_Field(child(element, "w:ffData")))
            case "separate" if self._open:
                self._open[-1].has_result = True
            case "end" if self._open:
                closed = self._open.pop()
                return "" if self.in_instruction else _shown(closed)
        return ""


def check_box_of(properties: Element | None) -> bool | None:
    """The state of a content control that is a check box, None when it is another control."""
    box = child(properties, "w14:checkbox")
    if box is None:
        return None
    return attribute(child(box, "w14:checked"), "val") in ("1", "true", "on")


def _shown(closed: _Field) -> str:
    """What a field shows that has no text as its result: boxes, choices, symbols, buttons."""
    match = _WORD.match(closed.instruction)
    name = match[1].upper() if match else ""
    if name == "FORMCHECKBOX":
        return "[x] " if _is_checked(child(closed.data, "w:checkBox")) else "[ ] "
    if closed.has_result:
        return ""
    if name == "FORMDROPDOWN":
        return _choice(child(closed.data, "w:ddList"))
    rest = closed.instruction[match.end() :].strip() if match else ""
    if name == "SYMBOL":
        return _symbol(rest)
    return rest.partition(" ")[2].strip() if name == "MACROBUTTON" else ""


def _is_checked(box: Element | None) -> bool:
    checked = child(box, "w:checked")
    return is_on(child(box, "w:default") if checked is None else checked)


def _choice(choices: Element | None) -> str:
    entries = (
        [attribute(e, "val") or "" for name, e in children(choices) if name == "w:listEntry"]
        if choices is not None
        else []
    )
    at = number(value(choices, "w:result") or value(choices, "w:default"))
    return entries[at] if 0 <= at < len(entries) else ""


def _symbol(arguments: str) -> str:
    """The character of ``SYMBOL 254 \\f Wingdings``."""
    try:
        words = shlex.split(arguments.replace("\\", "/"))
    except ValueError:
        return ""
    font = words[words.index("/f") + 1] if "/f" in words[:-1] else ""
    code = number(words[0] if words else "", -1)
    return symbols(chr(code), font) if 0 < code < 0x10000 else ""
