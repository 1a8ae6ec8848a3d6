"""Shows a running stack: one live table, or a line for each change."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from app.stack.services import UP, State
from app.stack.supervisor import Supervised
from app.terminal.console import answers, right, table, tell, text
from app.terminal.errors import redacted

if TYPE_CHECKING:
    from rich.console import Group
    from rich.live import Live

_STYLES = {
    State.HEALTHY: "green",
    State.DONE: "green",
    State.STARTING: "yellow",
    State.RESTARTING: "bold yellow",
    State.UNHEALTHY: "bold red",
    State.WAITING: "dim",
    State.STOPPED: "dim",
}
_LINES_KEPT = 6


class ServiceTable:
    """Shows services on a terminal as a table, and writes every change to a log.

    Args:
        log: where the lines go too.
    """

    def __init__(self, log: Path) -> None:
        self._log = log
        self._lines: deque[str] = deque(maxlen=_LINES_KEPT)
        self._live: Live | None = None
        self._began = time.monotonic()

    def __enter__(self) -> ServiceTable:
        self._log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if answers().is_terminal:
            from rich.live import Live

            self._live = Live(console=answers(), auto_refresh=False, vertical_overflow="visible")
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self._live.stop()

    @property
    def seconds(self) -> float:
        """Since the start."""
        return time.monotonic() - self._began

    def changed(self, each: Supervised) -> None:
        """Say that a service is in another state."""
        address = f" at {each.service.address}" if _is_news(each) else ""
        note = f" ({each.note})" if each.note else ""
        self.say(f"{each.service.title}: {each.state}{address}{note}", self.seconds)

    def say(self, sentence: str, seconds: float | None = None) -> None:
        """A line for the person and the log."""
        line = f"{time.strftime('%H:%M:%S')}  {redacted(sentence)}"
        line += f"  [{seconds:.1f} s]" if seconds is not None else ""
        self._lines.append(line)
        with self._log.open("a", encoding="utf-8") as log:
            log.write(line + "\n")
        if self._live is None:
            tell(line)

    def show(self, services: Sequence[Supervised]) -> None:
        """Draw the table anew; nothing where there is no terminal."""
        if self._live is not None:
            self._live.update(self._drawn(services), refresh=True)

    def _drawn(self, services: Sequence[Supervised]) -> Group:
        from rich.console import Group

        drawn = table(
            "service", "state", "address", "health", right("memory"), right("restarts"),
            right("uptime"),
        )  # fmt: skip
        for each in services:
            drawn.add_row(
                text(each.service.name),
                text(each.state, _STYLES[each.state]),
                text(each.service.address),
                text(_health(each)),
                _megabytes(each.memory),
                str(each.restarts or ""),
                _uptime(each),
            )
        total = sum(each.memory for each in services)
        if total:
            drawn.add_row("", "", "", "together", _megabytes(total), "", "")
        stopped = all(each.state is State.STOPPED for each in services)
        hint = "" if stopped else "Ctrl-C stops everything, a second one at once."
        return Group(drawn, *(text(line, "dim") for line in self._lines), text(hint, "italic"))


def _is_news(each: Supervised) -> bool:
    return each.state is State.HEALTHY and bool(each.service.address)


def _health(each: Supervised) -> str:
    if each.note:
        return each.note
    if each.state is State.HEALTHY and each.answer_seconds is not None:
        return f"answers in {each.answer_seconds * 1000:.0f} ms"
    return ""


def _megabytes(count: int) -> str:
    return f"{count / 1_000_000:,.0f} MB" if count else ""


def _uptime(each: Supervised) -> str:
    if each.healthy_since is None or each.state not in UP | {State.UNHEALTHY}:
        return ""
    minutes, seconds = divmod(int(time.monotonic() - each.healthy_since), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
