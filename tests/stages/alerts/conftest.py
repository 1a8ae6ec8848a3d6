"""Alerts on a database of the test's own; saved blocks are kept in a mapping, not by Prefect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa

from blocks import saved_blocks
from blocks.alert_block import AlertBlock
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings, load_settings
from pipeline.store.engine import Database


@dataclass(frozen=True)
class Parts:
    """What alerts need of the services."""

    database: Database
    settings: Settings

    async def passes(self, minutes: float) -> None:
        """Have so many minutes pass, for alerts and their messages."""
        for statement in (
            "UPDATE alerts SET told_at = told_at - make_interval(mins => :m), "
            "opened_at = opened_at - make_interval(mins => :m), "
            "seen_at = seen_at - make_interval(mins => :m)",
            "UPDATE alert_deliveries SET due_at = due_at - make_interval(mins => :m)",
        ):
            async with self.database.service() as connection:
                await connection.execute(sa.text(statement.replace(":m", str(int(minutes)))))


Making = Callable[..., Parts]


@pytest.fixture
def parts(database: Database) -> Making:
    """Makes the parts; keywords are the routing."""

    def made(**routing: Any) -> Parts:
        given = {"alert_routing": routing} if routing else {}
        return Parts(database, load_settings(embedder="wordllama", **given))

    return made


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Addresses of the saved blocks by their names, as Apprise writes them."""
    saved: dict[str, str] = {}

    async def load_block(slug: str) -> AlertBlock:
        name = slug.partition("/")[2]
        if name not in saved:
            raise ConfigurationError(f"Prefect has no block {slug!r}.")
        return AlertBlock(address=saved[name])

    monkeypatch.setattr(saved_blocks, "load_block", load_block)
    return saved
