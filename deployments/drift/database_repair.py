"""Makes missing indexes, policies and row-level security of the declared structure again."""

from __future__ import annotations

from collections.abc import Sequence

from deployments.drift.database_drift import declared_for, opened, subject
from deployments.drift.difference import Difference
from pipeline.settings import Settings
from pipeline.store.structure import differences, read_structure
from pipeline.store.structure.repairing import repair_structure
from stages.services import database_addresses


async def repair_database(settings: Settings, chosen: Sequence[Difference]) -> None:
    """Make these objects again, as who owns the schema.

    Raises:
        DatabaseUnavailable: it cannot be reached.
        ConfigurationError: the owner's login may not.
    """
    wanted = {each.subject for each in chosen}
    database = opened(await database_addresses(settings))
    try:
        found = await read_structure(database)
        made = differences(declared_for(found), found)
        await repair_structure(database, [each for each in made if subject(each) in wanted])
    finally:
        await database.close()
