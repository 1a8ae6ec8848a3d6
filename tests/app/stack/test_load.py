"""`navigator load` that is stopped leaves nothing behind.

That a whole one and a refused one do not either is shown in `test_stack.py`, on the stack there.
"""

from __future__ import annotations

import signal
import time

import pytest

from tests.app.navigating import ended
from tests.app.stack.conftest import RunningStack, kept

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]


def test_a_stopped_load_erases_its_users(stack: RunningStack) -> None:
    """SIGTERM in the middle of a load ends it, and its users are erased all the same."""
    before = kept(stack)
    process = stack.navigator.start("load", "--times", 1, "--for", "10m", "--spend")
    assert process.stderr is not None
    for line in process.stderr:
        if "times the local load" in line:
            break
    time.sleep(1)  # some requests are under way; how many does not matter
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert done.code == 128 + signal.SIGTERM
    assert kept(stack) == before
