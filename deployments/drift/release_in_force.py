"""Says which release an environment's deployments and processes should be of."""

from __future__ import annotations

from deployments.drift.database_drift import opened
from deployments.environment import Environment
from pipeline.settings import Settings
from pipeline.store import rollouts, schema_changes
from stages.services import database_addresses


async def release_in_force(environment: Environment, settings: Settings) -> str | None:
    """The id of what was verified last; None where no release was ever deployed.

    Raises:
        DatabaseUnavailable: the database cannot be reached.
    """
    addresses = await database_addresses(settings)
    if schema_changes.revision_of(addresses) < schema_changes.RELEASES_SINCE:
        return None
    database = opened(addresses)
    try:
        async with database.service() as connection:
            found = await rollouts.verified(connection, environment.name, 1)
    finally:
        await database.close()
    return found[0].release_id if found else None
