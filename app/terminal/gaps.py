"""Prints what documents lack (gaps)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.terminal.console import answers, say, tell, text
from pipeline.job_notes import from_records, gaps_of, pages_named
from pipeline.states import WITH_GAPS, JobState

if TYPE_CHECKING:
    from pipeline.store.runs import RunDocument

_MOST_DOCUMENTS = 60


def print_lacking(documents: Sequence[RunDocument]) -> None:
    """The documents of a run that were not read whole, each with a line for each gap."""
    for each in documents[:_MOST_DOCUMENTS]:
        tell(f"! {text(each.name).plain}: {WITH_GAPS}", "yellow")
        print_gaps(each.notes)
    if len(documents) > _MOST_DOCUMENTS:
        left = len(documents) - _MOST_DOCUMENTS
        tell(f"… and {left:,} more with gaps; `navigator list --state gaps` names them all.")
    if documents:
        tell("")


def print_gaps(notes: Sequence[dict[str, Any]]) -> None:
    """A line for each gap, and what to do about it, each remedy once."""
    from rich.padding import Padding

    gaps = gaps_of(notes)
    for gap in gaps:
        answers().print(Padding(text(gap.message), (0, 0, 0, 2), expand=False))
    for remedy in dict.fromkeys(gap.remedy for gap in gaps if gap.remedy):
        answers().print(Padding(text(f"→ {remedy}", "cyan"), (0, 0, 0, 2), expand=False))


def where_lacking(notes: Sequence[dict[str, Any]]) -> str:
    """Where something was not read: ``pages 2 and 4``, ``a part``; empty for a whole document."""
    gaps = gaps_of(notes)
    pages = sorted({page for gap in gaps for page in gap.pages})
    return pages_named(pages) if pages else "a part" if gaps else ""


def print_notes(notes: Sequence[dict[str, Any]]) -> None:
    """All notes of one document: the gaps first, each with what to do about it."""
    for note in sorted(from_records(notes), key=lambda each: not each.gap):
        word, style = ("Gap ", "yellow") if note.gap else ("Note", None)
        tell(f"  {word}       {text(note.message).plain}", style)
        if note.remedy:
            tell(f"             → {note.remedy}", "cyan")


def say_unchanged_gaps(unchanged: Sequence[RunDocument]) -> None:
    """A remark when documents that were published before lack something."""
    lacking = sum(each.state == JobState.COMPLETE_WITH_GAPS for each in unchanged)
    if lacking:
        say(f"{lacking:,} of the unchanged have gaps; `navigator list --state gaps` names them.")
