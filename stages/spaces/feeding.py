"""Brings what was just published to the spaces that are filled beside the one it came in."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from pipeline.errors import NavigatorError
from pipeline.logs import logger
from pipeline.store import run_jobs, space_pointer
from pipeline.store.connection_retries import retry_on_restart
from stages.services import Services
from stages.spaces.filling import Filled, fill
from stages.spaces.following import in_space_of

_LOG = logger("navigator.spaces")


@retry_on_restart
async def spaces_beside(services: Services) -> list[space_pointer.StoredSpace]:
    """The spaces that what these services publish is owed to."""
    async with services.database.service() as connection:
        return await space_pointer.filled_beside(connection, services.version.space_id)


async def feed(services: Services, run_id: UUID, jobs: Sequence[UUID]) -> dict[str, Filled]:
    """Embed the documents of these jobs in every space beside; what came of each, by its model.

    As best effort: what a service refuses, or a cap, stays in the space's backlog, and the document
    is published all the same.
    """
    fed = {}
    async with services.database.service() as connection:
        documents = await run_jobs.documents_of(connection, jobs)
    for space in await spaces_beside(services):
        try:
            beside = await in_space_of(services, await services.embedders.of(space))
            fed[space.model] = await fill(beside, run_id, only=documents)
        except NavigatorError as error:
            _LOG.warning(
                "space_not_fed", space=str(space.id), code=error.code, reason=error.message
            )
    return fed
