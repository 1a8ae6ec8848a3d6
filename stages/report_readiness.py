"""Tells whether reports can be signed and verified here, and makes no key to find out."""

from __future__ import annotations

import asyncio

from pipeline.errors import ConfigurationError
from pipeline.settings import Settings
from pipeline.store import report_seals
from pipeline.store.engine import Database
from stages.report_keys import FILE, report_keys
from stages.report_verifying import verify_link

_REMEDY = (
    "Put the secret that sealed it back: behind the first of NAVIGATOR_REPORT_KEYS, or in the file "
    "`report-key` of NAVIGATOR_HOME. `navigator report verify --all` names the reports."
)


async def report_readiness(settings: Settings, database: Database) -> str:
    """Say that the key is there and readable, and that the newest link of the chain verifies.

    Raises:
        ConfigurationError: the key is missing, cannot be read, or is another than sealed it.
        DatabaseUnavailable: in one sentence.
    """
    async with database.service() as connection:
        last = await report_seals.newest(connection)
    if settings.report_keys is None and not (settings.home / FILE).exists():
        if last is not None:
            raise ConfigurationError(
                f"Link {last.number} of the reports' chain was signed, and the key that signs "
                "reports is missing here.",
                remedy=_REMEDY,
            )
        return "the first report makes the key; none was signed yet"
    keys = await asyncio.to_thread(report_keys, settings)
    told = f"the key {keys.signing} signs"
    if last is None:
        return f"{told}; no report was signed yet"
    found = verify_link(last, keys)
    if not found.holds:
        raise ConfigurationError(found.sentence, remedy=_REMEDY)
    return f"{told}; the newest link of the chain, {last.number}, verifies"
