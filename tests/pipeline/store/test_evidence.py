"""The evidence from the database: what the controls claim, read from the catalog and the log."""

from __future__ import annotations

from pipeline.store import access_log, evidence
from pipeline.store.access_log import Access, Action
from pipeline.store.engine import Database
from pipeline.store.schema import APPEND_ONLY, SCHEMA, USER_TABLES
from tests.conftest import administer
from tests.pipeline.store.making import ANNA, BEN


async def test_row_level_security_and_the_log_are_read_as_they_are(
    store: Database, store_url: str
) -> None:
    """A table whose rows are no longer guarded, and a log that can be changed, are told."""
    async with store.service() as connection:
        await access_log.log(connection, Access(ANNA, BEN, Action.SEARCH, items=3))
        await access_log.log(connection, Access(ANNA, ANNA, Action.ERASURE, items=1))
        found = await evidence.facts(connection)
    assert all(found["row_level_security"].values())
    assert {each.name for each in USER_TABLES} <= set(found["row_level_security"])
    assert set(found["append_only"]) == {each.name for each in APPEND_ONLY}
    assert all(found["append_only"].values())
    assert {row["action"]: row["times"] for row in found["access"]} == {"search": 1, "erasure": 1}
    assert [row["user_id"] for row in found["erasures"]] == [ANNA]
    log = [row async for row in evidence.access_log(store)]
    assert [(row["actor_id"], row["items"]) for row in log] == [(BEN, 3), (ANNA, 1)]
    administer(store_url, f"ALTER TABLE {SCHEMA}.documents NO FORCE ROW LEVEL SECURITY")
    administer(store_url, f"GRANT UPDATE ON {SCHEMA}.access_log TO navigator_service")
    try:
        async with store.service() as connection:
            found = await evidence.facts(connection)
    finally:
        administer(store_url, f"ALTER TABLE {SCHEMA}.documents FORCE ROW LEVEL SECURITY")
        administer(store_url, f"REVOKE UPDATE ON {SCHEMA}.access_log FROM navigator_service")
    assert not found["row_level_security"]["documents"]
    assert [name for name, kept in found["append_only"].items() if not kept] == ["access_log"]
