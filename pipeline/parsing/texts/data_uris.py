"""Strips data URIs from texts, which would be hundreds of chunks of base64."""

from __future__ import annotations

import re

from pipeline.notes import Note, NoteKind

LARGE_BYTES = 10_000
"""A picture of this size without a description is more than a rule or an icon."""

# What a data URI is for a moment, with its number.
_MARK = "data:\x00"
_MARKED = re.compile(_MARK + r"\d+")
_URI = re.compile(
    r"data:(?:[a-z]{3,20}/[\w.+-]{1,80})?(?:;[\w-]{1,40}=[\w.\"-]{0,80}){0,4}"
    r"(?:;base64,[A-Za-z0-9+/=_-]*|,[^\s()<>\"']*)"
)
_PICTURE = re.compile(
    rf"!\[([^\[\]]{{0,500}})\]\(\s{{0,3}}<?{_MARK}(?P<number>\d+)>?[^()\n]{{0,300}}\)"
)
_ELEMENT = re.compile(
    rf"<img\b[^<>]{{0,1000}}?{_MARK}(?P<number>\d+)[^<>]{{0,1000}}>", re.IGNORECASE
)
_DEFINITION = re.compile(
    rf"^ {{0,3}}\[[^\[\]\n]{{1,200}}\]:[ \t]{{0,3}}<?{_MARK}\d+.*\n?", re.MULTILINE
)
_ALT = re.compile(r"\balt\s{0,3}=\s{0,3}(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)
_NO_DESCRIPTION = re.compile(
    r"\W*|[^\n]{0,200}\.(?:png|jpe?g|gif|tiff?|bmp|svg|webp)|.{1,2}|(?:image|picture|img|bild|figure)\W?\d*",
    re.IGNORECASE,
)


def without_data_uris(text: str) -> tuple[str, tuple[Note, ...]]:
    """A text with its data URIs taken out; a picture leaves its description.

    Returns:
        the text, and a note when a large picture without a description was taken out.
    """
    if "data:" not in text:
        return text, ()
    sizes: list[int] = []

    def taken(match: re.Match[str]) -> str:
        body = match[0].rpartition(",")[2]
        sizes.append(len(body) * 3 // 4 if ";base64" in match[0][:400] else len(body))
        return f"{_MARK}{len(sizes) - 1}"

    def described(match: re.Match[str]) -> str:
        words = match[1] if match.re is _PICTURE else _alt(match[0])
        if is_description(words):
            sizes[int(match["number"])] = 0
        return words

    text = _URI.sub(taken, text)
    text = _ELEMENT.sub(described, _PICTURE.sub(described, text))
    text = _MARKED.sub("", _DEFINITION.sub("", text))
    large = sum(size >= LARGE_BYTES for size in sizes)
    return text, (pictures_note(large),) if large else ()


def is_description(words: str) -> bool:
    """Whether words say what a picture shows, rather than that it is one."""
    return _NO_DESCRIPTION.fullmatch(words.strip()) is None


def pictures_note(count: int) -> Note:
    """The note that pictures were not read."""
    what = "A picture was" if count == 1 else f"{count} pictures were"
    message = f"{what} not read: look at the document for what can be seen there."
    return Note(NoteKind.PICTURE_NOT_READ, message)


def _alt(element: str) -> str:
    match = _ALT.search(element)
    return (match[1] or match[2] or "") if match else ""
