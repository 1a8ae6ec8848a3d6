"""Shares a Word file's parts, counters and omissions among its readers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pipeline.notes import Note, NoteKind
from pipeline.parsing.docx.fields import Fields
from pipeline.parsing.docx.names import Element, attribute, child, children, number, short
from pipeline.parsing.docx.number_formats import written
from pipeline.parsing.docx.numbering import Numbering
from pipeline.parsing.docx.package import Package, Reference
from pipeline.parsing.docx.styles import Styles
from pipeline.parsing.texts.data_uris import pictures_note

_EMU_PER_INCH = 914_400
_TWIPS_PER_INCH = 1440
_LARGE_SIDE = 3.0
_LARGE_SHARE = 0.25
_LETTER_AREA = 8.5 * 11
_NOTE_FORMATS = {"footnote": "decimal", "endnote": "lowerRoman"}


@dataclass(slots=True)
class Cited:
    """A footnote or endnote that the text has cited, and that is to be written after it."""

    kind: str
    id: str
    mark: str


@dataclass(slots=True)
class LeftOut:
    """Counts of what a reader sees and the text lacks, and whether hidden text was met."""

    pictures: int = 0
    parts: int = 0
    hidden: bool = False

    def notes(self) -> Iterator[Note]:
        """What a person should know of it."""
        if self.pictures:
            yield pictures_note(self.pictures)
        if self.parts:
            what = (
                "An embedded object was"
                if self.parts == 1
                else f"{self.parts} embedded objects were"
            )
            yield Note(
                NoteKind.PART_NOT_READ,
                f"{what} not read: save what is embedded as a document of its own.",
            )
        if self.hidden:
            yield Note(
                NoteKind.HIDDEN_LEFT_OUT, "Text that the document hides from readers was left out."
            )


@dataclass(slots=True)
class Context:
    """The state of reading one Word file, part by part in the order of its text.

    Attributes:
        references: what the part that is being read refers to.
        boxed: how many tables and text boxes stand around what is being read; their background
            may be of any color.
        cited: notes to be written after the block that cites them.
        check_box: the state of the check box control that is being read, whatever it shows.
    """

    package: Package
    styles: Styles
    numbering: Numbering
    page_area: float = _LETTER_AREA
    references: dict[str, Reference] = field(default_factory=dict)
    fields: Fields = field(default_factory=Fields)
    left_out: LeftOut = field(default_factory=LeftOut)
    boxed: int = 0
    cited: list[Cited] = field(default_factory=list)
    check_box: bool | None = None
    counts: dict[str, int] = field(default_factory=dict)
    formats: dict[str, str] = field(default_factory=lambda: dict(_NOTE_FORMATS))
    _notes: dict[str, tuple[str, dict[str, Element]]] = field(default_factory=dict)

    @contextmanager
    def in_box(self) -> Iterator[None]:
        """Inside a table or a text box."""
        self.boxed += 1
        try:
            yield
        finally:
            self.boxed -= 1

    @contextmanager
    def in_part(self, name: str) -> Iterator[None]:
        """Inside another part, with its references and with fields of its own."""
        before = self.references, self.fields
        self.references, self.fields = self.package.references(name), Fields()
        try:
            yield
        finally:
            self.references, self.fields = before

    def cite(self, kind: str, element: Element) -> str:
        """Counts a footnote or endnote and returns its mark, empty where the text has its own."""
        own = attribute(element, "customMarkFollows") in ("1", "true", "on")
        if not own:
            self.counts[kind] = self.counts.get(kind, 0) + 1
        mark = "" if own else written(self.counts[kind], self.formats[kind])
        self.cited.append(Cited(kind, attribute(element, "id") or "", mark))
        return mark

    def note(self, cited: Cited) -> tuple[str, Element | None]:
        """The part and the element that hold the text of a note."""
        if cited.kind not in self._notes:
            part = self.package.related_name(f"{cited.kind}s")
            root = self.package.xml(part) if part else None
            texts = children(root) if root is not None else ()
            found = {attribute(e, "id") or "": e for name, e in texts if name == f"w:{cited.kind}"}
            self._notes[cited.kind] = part, found
        part, found = self._notes[cited.kind]
        return part, found.get(cited.id)

    def meet_picture(self, width: float, height: float) -> None:
        """Takes note of a picture without description, sizes in inches, if it is large."""
        is_large = min(width, height) >= _LARGE_SIDE
        if is_large or width * height >= _LARGE_SHARE * self.page_area:
            self.left_out.pictures += 1

    def take_page_size(self, section: Element | None) -> None:
        """Takes over what a section says of its page and of its notes' numbers."""
        size = child(section, "w:pgSz")
        width, height = (number(attribute(size, side)) / _TWIPS_PER_INCH for side in ("w", "h"))
        self.page_area = width * height or _LETTER_AREA
        self.take_formats(section)

    def take_formats(self, properties: Element | None) -> None:
        """Takes over how footnotes and endnotes are numbered."""
        for kind in self.formats:
            element = child(properties, f"w:{kind}Pr")
            if (found := attribute(child(element, "w:numFmt"), "val")) is not None:
                self.formats[kind] = found


def inches(emu: str | None) -> float:
    """A length of DrawingML in inches."""
    return number(emu) / _EMU_PER_INCH


def chosen(element: Element) -> Element | None:
    """The branch of alternative contents to read: the newer one, unless only the older has text."""
    branches = [each for each in element if isinstance(each.tag, str)]
    with_text = [each for each in branches if any(_is_text(x) for x in each.iter())]
    return next(iter(with_text or branches), None)


def _is_text(element: Element) -> bool:
    return isinstance(element.tag, str) and short(element.tag) in (
        "w:t",
        "a:t",
        "w:drawing",
        "w:pict",
    )
