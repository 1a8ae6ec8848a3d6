"""How far a run is: a live display on a terminal, few plain lines in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app.console import dollars, notes, say
from pipeline.states import FAILED, JobState

if TYPE_CHECKING:
    from pipeline.store.runs import Progress

_SECONDS_BETWEEN_LINES = 15.0

_STAGES: tuple[tuple[str, tuple[JobState, ...]], ...] = (
    ("to parse", (JobState.UPLOADED, JobState.PARSE_QUEUED)),
    ("to check", (JobState.PARSED,)),
    ("to chunk", (JobState.PARSE_VALIDATED,)),
    ("to embed", (JobState.CHUNKS_STORED,)),
    ("to publish", (JobState.EMBEDDINGS_STORED,)),
    ("published", (JobState.COMPLETE,)),
    ("failed", FAILED),
)
_ENDED = ("published", "failed")


def stages(progress: Progress) -> dict[str, int]:
    """Documents by stage, in a person's words; stages without documents are left out."""
    counts = {
        word: sum(progress.by_state.get(state, 0) for state in states) for word, states in _STAGES
    }
    return {word: count for word, count in counts.items() if count}


def sentence(progress: Progress) -> str:
    """One line: documents by stage, chunks, tokens, cost."""
    by_stage = stages(progress)
    done = sum(by_stage.get(word, 0) for word in _ENDED)
    parts = [f"{done:,} of {progress.documents:,} documents done"]
    parts += [f"{count:,} {word}" for word, count in by_stage.items()]
    parts += [f"{progress.chunks:,} chunks", f"{progress.tokens:,} tokens"]
    return " · ".join([*parts, dollars(progress.cost_usd)])


class ProgressView:
    """Shows progress from entering to leaving it."""

    def __init__(self) -> None:
        self._live = notes().is_terminal
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        if self._live:
            self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._bar.stop()

    def _open(self) -> None:
        from rich import progress

        self._bar = progress.Progress(
            progress.SpinnerColumn(),
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=24),
            progress.MofNCompleteColumn(),
            progress.TimeElapsedColumn(),
            console=notes(),
            transient=True,
        )
        self._total = self._bar.add_task("Taking files in", total=None)
        self._detail = self._bar.add_task("", total=None, visible=False)
        self._bar.start()

    def show(self, progress: Progress) -> None:
        """Bring the display up to date."""
        if not progress.documents:
            return
        if not self._live:
            self._line(progress)
            return
        by_stage = stages(progress)
        done = sum(by_stage.get(word, 0) for word in _ENDED)
        under_way = " · ".join(f"{count:,} {word}" for word, count in by_stage.items())
        sums = (
            f"{progress.chunks:,} chunks, {progress.tokens:,} tokens, {dollars(progress.cost_usd)}"
        )
        self._bar.update(
            self._total,
            description=f"{under_way}\n  {sums}",
            total=progress.documents,
            completed=done,
        )

    def _line(self, progress: Progress) -> None:
        if time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            say(sentence(progress))
