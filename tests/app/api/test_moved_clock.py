"""The API by a clock that is a day off the database's and Prefect's."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

import httpx
import pytest

from app.api.authentication import issue_token
from app.api.routes import events
from flows.reporting import report_data
from pipeline.store.clock import database_time
from tests.app.api.calling import accepted, text, watching
from tests.app.api.serving import RunningApi
from tests.clocks import DAY, moved

MINUTE = timedelta(minutes=1)


@pytest.fixture(params=[DAY, -DAY], ids=["ahead", "behind"])
def anna(api: RunningApi, request: pytest.FixtureRequest) -> Iterator[httpx.Client]:
    """A client of the API whose clock is wrong, and its token of the same clock."""
    with moved(request.param), api.client("anna") as client:
        yield client


def now_there(api: RunningApi) -> datetime:
    """The database's time."""

    async def ask() -> datetime:
        async with api.parts.database.service() as connection:
            return await database_time(connection)

    return api.run(ask())


def test_a_late_event_is_told_all_the_same(anna: httpx.Client, api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that commits after a later one is told once, and the later one not again."""
