"""A run's progress is asked for as often as somebody sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from app.prefect import flow_process
from app.prefect.flow_process import RunningFlow
from app.prefect.run_view import RemarksView
from app.terminal import progress
from app.terminal.run_view import TerminalView


class _Work:
    async def run(self) -> str:
        await asyncio.sleep(0)
        return "ended"


class _Log:
    look_seconds = 15.0

    @contextmanager
    def progress(self) -> Iterator[str]:
        yield "show"


@pytest.mark.parametrize(("view", "looks"), [(RemarksView(), []), (_Log(), [("show", 15.0)])])
async def test_nobody_is_shown_nothing(
    view: Any, looks: list[object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that nobody watches asks Postgres nothing; one in a log as seldom as it says so."""
    begun: list[object] = []

    async def watch(flow: object, addresses: object, show: object, seconds: float) -> None:
        begun.append((show, seconds))

    monkeypatch.setattr(flow_process, "_watch", watch)
    anything: Any = None
    work: Any = _Work()
    flow = RunningFlow(uuid4(), None, work.run)
    assert await flow_process._watched(flow, work, anything, view) == "ended"
    assert begun == looks


@pytest.mark.parametrize(("terminal", "seconds"), [(True, 0.3), (False, 15.0)])
def test_a_terminal_is_kept_up_to_date(
    terminal: bool, seconds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A terminal's display moves; a log gets a line now and then."""
    monkeypatch.setattr(progress, "notes", lambda: SimpleNamespace(is_terminal=terminal))
    assert TerminalView().look_seconds == seconds
