"""Shows a run's progress: a live display on a terminal, a few plain lines in a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from app.terminal.console import dollars, notes, say
from pipeline.states import FAILED, WITH_GAPS, JobState

if TYPE_CHECKING:
    from rich.live import Live

    from pipeline.store.runs import Progress

_SECONDS_BETWEEN_LINES = 15.0
_SECONDS_BETWEEN_LOOKS = 0.3

_STAGES: tuple[tuple[str, tuple[JobState, ...]], ...] = (
    ("to parse", (JobState.UPLOADED, JobState.PARSE_QUEUED)),
    ("to check", (JobState.PARSED,)),
    ("to chunk", (JobState.PARSE_VALIDATED,)),
    ("to embed", (JobState.CHUNKS_STORED,)),
    ("to publish", (JobState.EMBEDDINGS_STORED,)),
    ("published", (JobState.COMPLETE,)),
    (WITH_GAPS, (JobState.COMPLETE_WITH_GAPS,)),
    ("failed", FAILED),
    ("cancelled", (JobState.CANCELLED,)),
)
_ENDED = ("published", WITH_GAPS, "failed", "cancelled")


def stages(progress: Progress) -> dict[str, int]:
    """Documents by stage, in a person's words; stages without documents are left out."""
    counts = {
        word: sum(progress.by_state.get(state, 0) for state in states) for word, states in _STAGES
    }
    return {word: count for word, count in counts.items() if count}


def done(progress: Progress) -> int:
    """Documents that have ended, well or not."""
    return sum(stages(progress).get(word, 0) for word in _ENDED)


def by_stage(progress: Progress) -> str:
    """``3 to parse · 2 to embed · 10 published``."""
    return " · ".join(f"{count:,} {word}" for word, count in stages(progress).items())


def sums(progress: Progress) -> str:
    """``213 chunks · 26,197 tokens · $0.0005``."""
    counts = f"{progress.chunks:,} chunks · {progress.tokens:,} tokens"
    return f"{counts} · {dollars(progress.cost_usd)}"


def sentence(progress: Progress) -> str:
    """All of it in one line."""
    start = f"{done(progress):,} of {progress.documents:,} documents done"
    return f"{start}: {by_stage(progress)} · {sums(progress)}"


def look_seconds() -> float:
    """How often progress is shown: a log has few lines, and what it does not show costs Postgres.

    Returns:
        Seconds.
    """
    return _SECONDS_BETWEEN_LOOKS if notes().is_terminal else _SECONDS_BETWEEN_LINES


class ProgressView:
    """Shows progress from entering to leaving it."""

    def __init__(self) -> None:
        self._live: Live | None = None
        self._last_line = time.monotonic()

    def __enter__(self) -> Self:
        if notes().is_terminal:
            self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def _open(self) -> None:
        from rich import progress
        from rich.live import Live

        self._bar = progress.Progress(
            progress.SpinnerColumn(),
            progress.BarColumn(),
            progress.MofNCompleteColumn(),
            progress.TextColumn("documents"),
            progress.TimeElapsedColumn(),
            console=notes(),
        )
        self._task = self._bar.add_task("", total=None)
        self._live = Live(self._bar, console=notes(), transient=True, refresh_per_second=5)
        self._live.start()

    def show(self, progress: Progress) -> None:
        """Bring the display up to date."""
        if not progress.documents:
            return
        if self._live is not None:
            from rich.console import Group
            from rich.text import Text

            self._bar.update(self._task, total=progress.documents, completed=done(progress))
            lines = (Text(f"  {by_stage(progress)}"), Text(f"  {sums(progress)}", "dim"))
            self._live.update(Group(self._bar, *lines))
        elif time.monotonic() - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = time.monotonic()
            say(sentence(progress))
