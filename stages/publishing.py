"""Publishes the passed documents of a batch, several in one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import chain
from uuid import UUID

from checks.suites_in_force import suite_versions
from pipeline.concurrency import gather_bounded
from pipeline.documents import Claim
from pipeline.failpoints import failpoint
from pipeline.store import attachments, deletion, publication, space_backlog
from pipeline.store.chunk_words import keep_languages
from stages.attaching import outlived
from stages.batch import Batch, StageResult, actor
from stages.garbage_collection import remove_orphaned_objects
from stages.services import Services
from stages.word_indexing import index_published

# Most of it is Postgres cutting texts into words, a processor for each connection.
_AT_ONCE = 2
_GROUP = 256


async def publish(services: Services, batch: Batch, passed: Collection[UUID]) -> StageResult:
    """Publish those jobs that the gate passed in this very run."""
    may = set(passed)
    wanted = [claim for claim in batch.claims if claim.job_id in may]
    groups = (wanted[start : start + _GROUP] for start in range(0, len(wanted), _GROUP))
    done = await gather_bounded(_AT_ONCE, (_publish(services, batch, group) for group in groups))
    await index_published(services.database, [claim.job_id for claim in wanted])
    return sum(done, StageResult())


async def _publish(services: Services, batch: Batch, claims: Sequence[Claim]) -> StageResult:
    who = actor(services, batch)
    jobs = [claim.job_id for claim in claims]
    # what an earlier version had inside, and this one has not, goes with the earlier version
    gone = await outlived(services, jobs)
    async with services.database.service() as connection:
        await space_backlog.publishing(connection)
        if gone:
            await attachments.lock(connection, list(chain(*gone.values())), jobs)
        done = await publication.publish(
            connection,
            claims,
            services.version.space_id,
            who,
            shared=services.settings.share_vectors,
            suites=suite_versions(services.settings, services.company_rules),
        )
        if old := list(chain(*(gone.get(job, ()) for job in done.complete))):
            await deletion.delete_documents(connection, old, who)
        await keep_languages(connection, list(done.complete))
        failpoint("before-publish-commit")
    failpoint("after-publish-commit")
    if gone:
        await remove_orphaned_objects(services.database, services.storage)
    return StageResult(len(done.complete), 0)
