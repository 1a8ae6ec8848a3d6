"""A run on the terminal: remarks, a spinner and live progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from app.terminal.console import say, working
from app.terminal.progress import ProgressView, look_seconds

if TYPE_CHECKING:
    from pipeline.store.runs import Progress


class TerminalView:
    """Shows a run on the standard error."""

    @property
    def look_seconds(self) -> float | None:
        """How often there is something new to show."""
        return look_seconds()

    def say(self, sentence: str, style: str | None = None) -> None:
        """Print a remark."""
        say(sentence, style)

    def working(self, what: str) -> AbstractContextManager[None]:
        """Show a spinner, or print a line in a log."""
        return working(what)

    @contextmanager
    def progress(self) -> Iterator[Callable[[Progress], None]]:
        """Show a live display, or print few plain lines in a log."""
        with ProgressView() as view:
            yield view.show
