"""What a request asks of Postgres: statements and transactions, which depend on no machine.

Each statement is a round trip that the process and Postgres pay for; on a busy machine they are
most of what a search or an upload takes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from tests.app.api.calling import accepted, text
from tests.app.api.serving import RunningApi

HEARTBEAT = "UPDATE processes"
"""By which the process says every few seconds that it lives, whatever is asked."""


@contextmanager
def counted(api: RunningApi) -> Iterator[Counter[str]]:
    """Statements and transactions of the block; a transaction's beginning is a statement."""
    found: Counter[str] = Counter()

    def statement(connection: sa.Connection, cursor: Any, said: str, *others: Any) -> None:
        if getattr(connection.info.get("locks"), "busy", False):
            return  # `tests.lock_checking` looks at the rows
        found["statements"] += 1
        found["transactions"] += "set_config('role'" in said
        if HEARTBEAT in said:  # a transaction of its own, which is not the request's
            found["statements"] -= 2
            found["transactions"] -= 1

    database = api.parts.database
    engines = {database.engine.sync_engine, database._readers.sync_engine}
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", statement)
    try:
        yield found
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", statement)


@pytest.fixture(scope="module")
def published(api: RunningApi) -> Iterator[httpx.Client]:
    """A user with a published document, who has asked once: what is opened once is open."""
    with api.client("cora") as client:
        job = accepted(client, text("The platypus exclusion"), name="boat.md")
        api.work_off(job["id"], user="cora")
        assert client.post("/search", json={"question": "platypus"}).is_success
        yield client


@pytest.mark.parametrize(("mode", "statements"), [("hybrid", 13), ("text", 11), ("vector", 11)])
def test_a_search_asks_little(
    api: RunningApi, published: httpx.Client, mode: str, statements: int
) -> None:
    """Which space answers, one transaction as the reader, and the log: three in all."""
    with counted(api) as found:
        answer = published.post("/search", json={"question": "platypus exclusion", "mode": mode})
    assert answer.json()["passages"], answer.text
    assert found["transactions"] <= 3
    assert found["statements"] <= statements, found


def test_an_upload_asks_little(api: RunningApi, published: httpx.Client) -> None:
    """Five transactions, of which only the one that registers waits for the disk."""
    with counted(api) as found:
        accepted(published, text("Hail is covered."), name="hail.md")
    assert found["transactions"] <= 5
    assert found["statements"] <= 19, found
