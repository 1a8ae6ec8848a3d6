"""Colors on the terminal for the words of a document's state (`pipeline.states.state_word`)."""

from __future__ import annotations

from pipeline.states import WITH_GAPS

STATE_COLORS = {
    "published": "green", WITH_GAPS: "yellow", "failed": "red", "waiting": "yellow",
    "stopped": "yellow",
    "unchanged": "dim",
}  # fmt: skip
