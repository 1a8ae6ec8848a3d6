"""Shows two sides of the same documents as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.terminal.console import right, table, text

if TYPE_CHECKING:
    from rich.table import Table

    from deployments.verification.side_by_side import SideBySide


def documents_table(found: SideBySide) -> Table:
    """Each document with its end, chunks and text on both sides."""
    grid = table("Document", "A", "B", right("Chunks"), right("Same"), "Text")
    for each in found.documents:
        states = [(state or "not there").replace("_", " ") for state in each.states]
        other = "" if states[0] == states[1] else "red"
        chunks = f"{each.chunks[0]} / {each.chunks[1]}"
        same = "same" if each.same_text else "other"
        grid.add_row(
            text(each.name), states[0], text(states[1], other), chunks, str(each.same_chunks), same
        )
    return grid


def stages_table(found: SideBySide) -> Table:
    """Each stage with its times on both sides."""
    times = table("Stage", right("A"), right("B"), right("B / A"), right("Interval"))
    for stage in found.stages:
        a, b = (f"{each * 1000:,.0f} ms" for each in stage.seconds)
        interval = f"{stage.low:.2f} to {stage.high:.2f}"
        times.add_row(stage.stage, a, b, f"{stage.ratio:.2f}", interval)
    return times
