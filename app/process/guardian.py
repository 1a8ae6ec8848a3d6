"""Watches over a deployment: when its process dies, a second one takes the rollout back.

The second process waits at a pipe whose other end only the first holds. The kernel closes it when
the first is gone, however that happened.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping

from pipeline.child_processes import NEUTRAL_FOLDER, child_environment, module_command
from pipeline.errors import UsageError

_DONE = b"done"
_FAILPOINT = "NAVIGATOR_FAILPOINT"


@contextlib.contextmanager
def guarded(environment: str, given: Mapping[str, str], log: int | None = None) -> Iterator[None]:
    """Have a rollout of this environment taken back if this process does not leave the block.

    After an error, what is still under way is taken back by the second process.

    Args:
        environment: its name.
        given: the variables with which this process was started.
        log: the file descriptor of what the second process says; by itself, stderr.
    """
    reading, writing = os.pipe()
    variables = {name: value for name, value in given.items() if name != _FAILPOINT}
    command = module_command("app", "rollback", environment, "--abandoned")
    process = subprocess.Popen(  # noqa: S603
        command, env=child_environment(variables), cwd=NEUTRAL_FOLDER, stdin=reading,
        stdout=subprocess.DEVNULL, stderr=log, start_new_session=True,
    )  # fmt: skip
    os.close(reading)
    try:
        yield
        os.write(writing, _DONE)
    except UsageError:  # nothing was begun
        os.write(writing, _DONE)
        raise
    finally:
        os.close(writing)
        if sys.exc_info()[0] is None:
            process.wait()


def wait_for_the_end() -> bool:
    """Wait until the process that is watched has ended; whether it left something to do."""
    return sys.stdin.buffer.read() != _DONE
