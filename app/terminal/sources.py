"""Shows sources with what came of their last runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.terminal.console import answers, number, right, table, text

if TYPE_CHECKING:
    from pipeline.source_definition import SourceDefinition


def print_sources(found: Sequence[SourceDefinition]) -> None:
    """Sources for a person."""
    grid = table(
        ("Source", {"no_wrap": True}), ("Where", {"overflow": "fold"}), "Read", "Last run",
        right("Listed"), right("Read"), right("Deleted"), right("Rejected"), "",
    )  # fmt: skip
    for each in found:
        last = each.last
        counts = last.counts if last else {}
        figures = (counts.get(name, 0) for name in ("listed", "read", "deleted", "rejected"))
        grid.add_row(
            text(each.name),
            text(each.url),
            text(each.schedule),
            f"{last.at.astimezone():%Y-%m-%d %H:%M}" if last else "",
            *(number(figure) if last else "" for figure in figures),
            text(last.trouble or "" if last else "", "red"),
        )
    answers().print(grid)
