"""`python -m app.stack.postgres`: ends when it is asked to, however often."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pipeline.child_processes import child_environment, module_command
from pipeline.store.embedded_tools import postmaster

pytestmark = pytest.mark.slow


def test_signals_within_signals_end_it(scratch: Path) -> None:
    """Who asks and who sees the parent's death both signal: a handler that waits hangs for ever."""
    folder = scratch / "held"
    command = module_command("app.stack.postgres", str(folder))
    with subprocess.Popen(
        command, env=child_environment(os.environ), stdout=subprocess.PIPE
    ) as holder:
        try:
            deadline = time.monotonic() + 60
            while postmaster(folder) is None:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            with suppress(ProcessLookupError):
                for _ in range(2000):
                    holder.terminate()
            assert holder.wait(20) == 0
        finally:
            holder.kill()
    assert postmaster(folder) is None
