"""Webhooks on the real database: a replayed event has one effect."""

from __future__ import annotations

from uuid import uuid4

import psycopg

from pipeline.store import parsed_files, webhook_events
from pipeline.store.database_urls import driver_url
from pipeline.store.engine import Database
from pipeline.store.notifications import PARSE_CHANNEL
from pipeline.store.webhook_events import Receipt
from pipeline.webhooks import ENDS, WebhookEvent
from tests.pipeline.store.making import ANNA, FIRST, table

REMOTE = "pjb-ours"


async def test_a_replayed_event_wakes_once(store: Database, store_url: str) -> None:
    """Sent a hundred times, an event is written down and told of once."""
    file = (ANNA, "sha-of-a-file", "llamaparse-1")
    async with store.service() as connection:
        await parsed_files.reserve(connection, *file, FIRST, 60)
        await parsed_files.note_submission(connection, *file, FIRST, REMOTE)
    event = WebhookEvent(uuid4(), ENDS[0], 0.0, REMOTE)
    plain = driver_url(store_url).set(drivername="postgresql")
    with psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True) as listener:
        listener.execute(f"LISTEN {PARSE_CHANNEL}")
        receipts = []
        for _ in range(100):
            async with store.service() as connection:
                receipts.append(await webhook_events.receive(connection, event))
        listener.execute(f"NOTIFY {PARSE_CHANNEL}, 'the end'")
        told = []
        for notice in listener.notifies(timeout=60):
            told.append(notice.payload)
            if told[-1] == "the end":
                break
    assert receipts == [Receipt.WOKEN, *[Receipt.REPEATED] * 99]
    assert told == [REMOTE, "the end"]
    assert [row["outcome"] for row in await table(store, "webhook_events")] == ["woken"]
