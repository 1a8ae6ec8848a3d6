"""`python -m app.stack.postgres`: ends when it is asked to, however often."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from pipeline.child_processes import child_environment, module_command
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.embedded_tools import postmaster

pytestmark = [pytest.mark.slow, pytest.mark.timeout(60)]


@contextmanager
def holding(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A holder whose Postgres accepts connections."""
    command = module_command("app.stack.postgres", str(folder))
    environment = child_environment(os.environ)
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as holder:
        try:
            assert holder.stderr is not None
            assert holder.stderr.readline() == b"Postgres accepts connections.\n"
            yield holder
        finally:
            holder.kill()


def test_signals_within_signals_end_it(scratch: Path) -> None:
    """Who asks and who sees the parent's death both signal: a handler that waits hangs for ever."""
    folder = scratch / "held"
    with holding(folder) as holder:
        with suppress(ProcessLookupError):
            for _ in range(2000):
                holder.terminate()
        assert holder.wait(20) == 0
    assert postmaster(folder) is None


def test_a_restart_by_another_process_is_seen(scratch: Path) -> None:
    """Whoever needs it starts it before the holder looks: the holder ends, so it is told."""
    folder = scratch / "restarted"
    with holding(folder) as holder:
        holder.send_signal(signal.SIGSTOP)  # it looks later than others need Postgres
        died = postmaster(folder)
        assert died is not None
        died.send_signal(signal.SIGQUIT)
        died.wait(20)
        start_embedded(folder)
        try:
            holder.send_signal(signal.SIGCONT)
            assert holder.wait(20) == 1
            assert postmaster(folder) is not None
        finally:
            stop_embedded(folder)
