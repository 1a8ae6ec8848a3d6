"""The embedded Postgres: it stops with its last holder, whoever started it last."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil

from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.embedded_tools import is_ready, postmaster_pid

_HOLD = (
    "import sys, pathlib; from pipeline.store.embedded import start_embedded; "
    "start_embedded(pathlib.Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
)


def test_a_holder_stops_the_postgres_that_another_one_started_again(scratch: Path) -> None:
    """Killed, started again by a second holder that is killed too: the first one still stops it."""
    folder = scratch / "held-twice"
    start_embedded(folder)
    first = postmaster_pid(folder)
    assert first is not None
    killed = psutil.Process(first)
    killed.kill()
    psutil.wait_procs([killed], timeout=60)
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    ) as second:
        assert second.stdout is not None
        assert second.stdout.readline() == b"held\n"
        second.kill()
    again = postmaster_pid(folder)
    assert again not in (None, first)
    assert is_ready(folder)
    started = psutil.Process(again)
    stop_embedded(folder)
    _, alive = psutil.wait_procs([started], timeout=60)
    assert alive == []
