"""`navigator load` on a running stack: what it measures, and that it leaves nothing behind."""

from __future__ import annotations

import signal
import time

import psycopg
import pytest

from pipeline.store.embedded_access import ADMINISTRATOR, address
from tests.app.navigating import ended
from tests.app.stack.conftest import RunningStack

pytestmark = pytest.mark.timeout(300)

LOCAL = ("load", "--times", 1, "--for", "4s", "--seed", 0)
"""In four seconds this seed asks for everything but a folder."""


def users_left(stack: RunningStack) -> int:
    """Documents of anybody, and stored files, in the stack's home."""
    with psycopg.connect(address(stack.home / "postgres", ADMINISTRATOR)) as connection:
        row = connection.execute("SELECT count(*) FROM upload_pipeline.documents").fetchone()
    assert row is not None
    objects = stack.home / "objects"
    return int(row[0]) + sum(each.is_file() for each in objects.rglob("*"))


def test_a_load_says_what_held_and_leaves_nothing(stack: RunningStack) -> None:
    """Each endpoint, service and document is told; the exit code is the verdict; users are gone."""
    before = users_left(stack)
    done = stack.navigator(*LOCAL, "--spend", "--json")
    assert done.err.count("…") == 4, done.err
    [step] = done.json["steps"]
    assert done.code == (0 if done.json["held"] else 1)
    assert step["users"] == 5
    assert step["errors"] == {}
    assert set(step["endpoints"]) == {"upload", "status", "search", "overview", "jobs"}
    assert {"api", "worker", "prefect", "postgres", "load"} <= set(step["services"])
    assert step["services"]["worker"]["memory_bytes"] > 10_000_000
    assert 0 < step["connections"]["open"] < step["connections"]["most"]
    assert step["documents"]["published"] == step["documents"]["accepted"]
    assert step["left"] == {}
    assert users_left(stack) == before


def test_a_bill_is_not_run_up_unasked(stack: RunningStack) -> None:
    """Where documents are billed, the first one is the last, unless money may be spent."""
    before = users_left(stack)
    refused = stack.navigator(*LOCAL)
    assert (refused.code, "--spend" in refused.err) == (2, True)
    assert users_left(stack) == before


def test_a_stopped_load_erases_its_users(stack: RunningStack) -> None:
    """SIGTERM in the middle of a load ends it, and its users are erased all the same."""
    before = users_left(stack)
    process = stack.navigator.start("load", "--times", 1, "--for", "10m", "--spend")
    assert process.stderr is not None
    for line in process.stderr:
        if "times the local load" in line:
            break
    time.sleep(1)  # some requests are under way; how many does not matter
    process.send_signal(signal.SIGTERM)
    done = ended(process)
    assert done.code == 128 + signal.SIGTERM
    assert users_left(stack) == before
