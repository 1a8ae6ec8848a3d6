"""How a process ended is told in its own last words, or by its signal or code."""

from __future__ import annotations

import subprocess
import sys

import pytest

from pipeline.child_processes import last_words


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
        ("raise SystemExit(3)", "ended with code 3"),
        ("import sys; sys.exit('a\\n│ the disk is full │\\n\\n')", "the disk is full"),
        ("print('said'); raise SystemExit(1)", "said"),
    ],
)
def test_the_end_of_a_process_is_never_told_as_nothing(program: str, told: str) -> None:
    """Whatever a process wrote or did not, there is a reason to read."""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert last_words(done.returncode, done.stderr, done.stdout) == told
