"""`navigator load` that is refused or stopped leaves nothing behind.

That a whole one does not either is shown in `test_stack.py`, on the stack that is up there.
"""

from __future__ import annotations

import signal
import time

import pytest

from tests.app.navigating import ended
from tests.app.stack.conftest import RunningStack, kept

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


def test_a_bill_is_not_run_up_unasked(stack: RunningStack) -> None:
    """Where documents are billed, the first one is the last, unless money may be spent."""
    before = kept(stack)
    refused = stack.navigator("load", "--times", 1, "--for", "4s")
    assert (refused.code, "--spend" in refused.err) == (2, True)
    assert kept(stack) == before


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
