"""Shows a run while it is under way: on a terminal, or as a list of remarks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pipeline.store.runs import Progress


class RunView(Protocol):
    """Shows a run to whoever has started it.

    Attributes:
        look_seconds: how often it has something new to show; None: never.
    """

    @property
    def look_seconds(self) -> float | None: ...

    def say(self, sentence: str, style: str | None = None) -> None:
        """Tell a remark; `style` is a terminal's."""

    def working(self, what: str) -> AbstractContextManager[None]:
        """Show that something slow is under way."""

    def progress(self) -> AbstractContextManager[Callable[[Progress], None]]:
        """Show the progress that the function is called with."""


class RemarksView:
    """Keeps the remarks and shows nothing: for a run that no terminal watches."""

    look_seconds: float | None = None

    def __init__(self) -> None:
        self.remarks: list[str] = []

    def say(self, sentence: str, style: str | None = None) -> None:
        """Keep a remark."""
        self.remarks.append(sentence)

    @contextmanager
    def working(self, what: str) -> Iterator[None]:
        """Show nothing."""
        yield

    @contextmanager
    def progress(self) -> Iterator[Callable[[Progress], None]]:
        """Show nothing."""
        yield lambda progress: None
