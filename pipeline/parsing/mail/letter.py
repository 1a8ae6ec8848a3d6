"""Builds a document of a letter: its heading for people, its facts, its text and its files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.notes import Note
from pipeline.parsing.containers.members import Members
from pipeline.parsing.reading import Reading, one_page

_SHOWN = {"from": "From", "to": "To", "cc": "Cc", "date": "Date"}
_MAX_SHOWN = 2_000


@dataclass(frozen=True, slots=True)
class Letter:
    """An e-mail in whatever format it came."""

    facts: Mapping[str, str]
    body: str
    members: Members
    notes: tuple[Note, ...] = ()


def letter_reading(letter: Letter) -> Reading:
    """The letter as one page: subject as heading, who wrote when to whom, then what."""
    lines = []
    for name, title in _SHOWN.items():
        if value := letter.facts.get(name):
            lines.append(
                f"{title}: {value if len(value) <= _MAX_SHOWN else value[:_MAX_SHOWN] + '…'}"
            )
    files = letter.members.found
    if files:
        lines.append(f"Attachments: {', '.join(each.name for each in files)}")
    heading = f"# {letter.facts['subject']}" if "subject" in letter.facts else ""
    text = "\n\n".join(part for part in (heading, "\n".join(lines), letter.body) if part)
    return one_page(
        text,
        *letter.notes,
        *letter.members.notes(),
        facts=dict(letter.facts),
        attachments=tuple(files),
    )
