"""Prunes what is no part of a page's text, and says what that was."""

from __future__ import annotations

from dataclasses import dataclass, field

from bs4 import BeautifulSoup, Comment, Tag

from pipeline.notes import Note, NoteKind
from pipeline.parsing.html.boilerplate import is_boilerplate, is_idle_button
from pipeline.parsing.html.elements import UNSEEN, attribute, has_words, words
from pipeline.parsing.html.visibility import Visibility, keeps_place
from pipeline.parsing.texts.data_uris import LARGE_BYTES, is_description, pictures_note

_MESSAGES = {
    NoteKind.HIDDEN_LEFT_OUT: "Text that the page hides from readers was left out.",
    NoteKind.COLLAPSED_KEPT: "Text that the page shows only when it is opened is in the text.",
    NoteKind.REPEATED_LEFT_OUT: (
        "Menus, banners and the header and footer of the site were left out."
    ),
    NoteKind.PART_NOT_READ: (
        "A document embedded in the page was not read: save it as a document of its own."
    ),
}
MAX_DEPTH = 150
"""Elements nested deeper are read as plain text: elements that are never closed, or an attack."""

_DOCUMENTS = (".pdf", ".doc", ".docx", ".xls", ".xlsx")


@dataclass(slots=True)
class _Findings:
    kinds: set[NoteKind] = field(default_factory=set)
    pictures: int = 0

    def notes(self) -> tuple[Note, ...]:
        found = [Note(kind, message) for kind, message in _MESSAGES.items() if kind in self.kinds]
        return (*found, *([pictures_note(self.pictures)] if self.pictures else ()))


def prune(soup: BeautifulSoup) -> tuple[Note, ...]:
    """Takes out comments, scripts, menus and hidden text; keeps what a click would show.

    Returns:
        what was left out or kept although it is collapsed, and what was not read.
    """
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        comment.extract()
    visibility, findings = Visibility(soup), _Findings()
    waiting: list[tuple[Tag, int]] = [(soup, 0)]
    while waiting:
        element, depth = waiting.pop()
        for child in list(element.children):
            if not isinstance(child, Tag):
                continue
            if not _is_kept(child, visibility, findings):
                child.extract()
            elif depth < MAX_DEPTH:
                waiting.append((child, depth + 1))
            else:
                child.string = words(child)
    return findings.notes()


def _is_kept(element: Tag, visibility: Visibility, findings: _Findings) -> bool:
    if element.name in UNSEEN:
        if _embeds_document(element):
            findings.kinds.add(NoteKind.PART_NOT_READ)
        return element.name == "head"
    if visibility.is_hidden(element):
        if not visibility.is_collapsed(element):
            _note(element, NoteKind.HIDDEN_LEFT_OUT, findings)
            return element.name in ("td", "th") and _emptied(element)
        findings.kinds.add(NoteKind.COLLAPSED_KEPT)
    if is_boilerplate(element):
        _note(element, NoteKind.REPEATED_LEFT_OUT, findings)
        return False
    if element.name == "details" and not element.has_attr("open"):
        _note(element, NoteKind.COLLAPSED_KEPT, findings)
    if element.name == "img":
        findings.pictures += _is_unread_picture(element)
    return not (element.name == "button" and is_idle_button(element))


def _emptied(cell: Tag) -> bool:
    """Empties a hidden cell that keeps its place, so that the others keep their columns."""
    keeps = keeps_place(cell)
    if keeps:
        cell.clear()
    return keeps


def _note(element: Tag, kind: NoteKind, findings: _Findings) -> None:
    if kind not in findings.kinds and has_words(element):
        findings.kinds.add(kind)


def _embeds_document(element: Tag) -> bool:
    """Whether another document, or a page within the page, is shown here."""
    if element.name not in ("iframe", "object", "embed"):
        return False
    source = attribute(element, "src") or attribute(element, "data")
    is_document = source.partition("?")[0].lower().endswith(_DOCUMENTS)
    has_page = (
        len(BeautifulSoup(attribute(element, "srcdoc")[:20_000], "lxml").get_text().split()) > 2
    )
    return is_document or has_page or "pdf" in attribute(element, "type")


def _is_unread_picture(element: Tag) -> bool:
    source = attribute(element, "src")
    size = len(source) * 3 // 4 if source.startswith("data:") else 0
    return size >= LARGE_BYTES and not is_description(attribute(element, "alt"))
