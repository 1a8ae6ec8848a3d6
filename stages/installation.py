"""Checks that a worker is of the installation whose documents it is given.

Three things make one: the database, the storage, and the code. With another database the work
would seem done and nothing would be; with another storage every file would seem lost; and other
code might make other texts under the same version.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pipeline.code_version import code_version
from pipeline.errors import ConfigurationError
from pipeline.store import run_jobs
from stages.services import Services

_LOOKED_AT = 3


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a batch comes from; what is None is not asked about.

    Attributes:
        installation: names the database that the jobs are in.
        stored: a job whose file is in the storage.
        code: what the process runs that hands them over.
    """

    installation: UUID | None = None
    stored: UUID | None = None
    code: str | None = None


async def origin_of(parts: Services, job_ids: Sequence[UUID]) -> Origin:
    """What a worker of another process has to share to take these jobs."""
    async with parts.database.service() as connection:
        keys = await run_jobs.storage_keys(connection, job_ids, _LOOKED_AT)
    stored = None
    for job, key in keys.items():
        if await parts.storage.exists(key):
            stored = job
            break
    return Origin(parts.installation, stored, code_version())


async def require_installation(parts: Services, origin: Origin) -> None:
    """Require that this process shares database, storage and code with the origin.

    Raises:
        ConfigurationError: it does not; it says which, and what to set.
    """
    expected = origin.installation
    if expected is not None and expected != parts.installation:
        raise ConfigurationError(
            f"This worker's database is the installation {str(parts.installation)[:8]}, and the "
            f"documents are in the installation {str(expected)[:8]}.",
            remedy="Give this worker the DATABASE_URL (or NAVIGATOR_HOME) of whoever starts runs "
            "here, or a work pool of its own.",
        )
    if origin.code is not None and origin.code != code_version():
        raise ConfigurationError(
            f"This worker runs the code {code_version()}, and the run was started by "
            f"{origin.code}.",
            remedy="Install the same release on every machine of the work pool and start their "
            "workers again; the documents wait.",
        )
    if origin.stored is not None and not await _has_file_of(parts, origin.stored):
        raise ConfigurationError(
            "This worker's storage does not have the files of these documents.",
            remedy="Give this worker the NAVIGATOR_STORAGE_URL (and NAVIGATOR_STORAGE_OPTIONS) of "
            "whoever starts runs here: a bucket, or a folder that every machine has mounted.",
        )


async def _has_file_of(parts: Services, job: UUID) -> bool:
    async with parts.database.service() as connection:
        keys = await run_jobs.storage_keys(connection, [job], 1)
    # of one that was deleted meanwhile nothing can be said
    return job not in keys or await parts.storage.exists(keys[job])
