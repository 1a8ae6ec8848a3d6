"""Takes up documents for a backfill, in groups: each is chosen and made the run's own at once.

What is chosen already belongs to the run, so a selection that was broken off goes on where it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from operator import attrgetter
from uuid import UUID

from checks.suites_in_force import suite_versions
from pipeline.backfill_choice import BackfillChoice, Select
from pipeline.failpoints import failpoint
from pipeline.identity import OPERATOR
from pipeline.store import backfill_changes as changes
from pipeline.store import backfills
from pipeline.store.backfill_changes import Change
from pipeline.store.backfills import Backfill
from pipeline.store.candidates import Candidate, Wanted, Work, by_work, candidates, work_of
from pipeline.store.connection_retries import retry_on_restart
from pipeline.store.transitions import Actor
from stages.pipeline_version import services_for_version
from stages.services import Services

GROUP = 500
"""Documents that are chosen in one transaction."""


@dataclass(frozen=True, slots=True)
class BackfillOrder:
    """What a person or a schedule asks a backfill for.

    Attributes:
        user_id: only this user's documents, None for everyone's.
        limit: at most so many, the longest unchanged first.
    """

    select: Select = "chosen"
    choice: BackfillChoice = field(default_factory=BackfillChoice)
    user_id: UUID | None = None
    older_than_days: float | None = None
    limit: int | None = None

    def record(self) -> dict[str, object]:
        """As it is kept with the run."""
        return {
            "select": self.select,
            "choice": self.choice.model_dump(mode="json"),
            "older_than_days": self.older_than_days,
            "limit": self.limit,
        }

    @classmethod
    def of(cls, backfill: Backfill) -> BackfillOrder:
        """What a backfill that was written down was asked for."""
        told = backfill.options
        return cls(
            told["select"],
            BackfillChoice.model_validate(told["choice"]),
            None if backfill.user_id == OPERATOR else backfill.user_id,
            told["older_than_days"],
            told["limit"],
        )


def wanted(services: Services, order: BackfillOrder) -> Wanted:
    """What an order means under the pipeline and the suites of today."""
    return Wanted(
        select=order.select,
        version=services.version,
        suites=suite_versions(services.settings, services.company_rules),
        service=services.parsing_service,
        user_id=order.user_id,
        older_than_days=order.older_than_days,
        choice=order.choice,
    )


@retry_on_restart
async def chosen(
    services: Services, order: BackfillOrder, run_id: UUID, limit: int | None
) -> list[tuple[Candidate, Work]]:
    """The next documents that fit, each with what is to be done with it."""
    asked = wanted(services, order)
    async with services.database.service() as connection:
        found = await candidates(connection, asked, run_id, limit)
    return [
        (each, work_of(each, asked, able=services_for_version(services, each.version) is not None))
        for each in found
    ]


async def take_up(services: Services, order: BackfillOrder, run_id: UUID) -> int:
    """Make every document that fits part of the run, ready to go on; how many there are.

    Raises:
        RunPaused: a person paused the run meanwhile; what was taken up waits.
    """
    count = 0
    while True:
        left = GROUP if order.limit is None else min(GROUP, order.limit - count)
        group = await chosen(services, order, run_id, left) if left else []
        if not group:
            break
        count += len(group)
        for work, documents in by_work(group).items():
            await _take(services, run_id, work, documents)
        failpoint("after-backfill-group")
    async with services.database.service() as connection:
        await backfills.note_selected(connection, run_id)
    failpoint("after-backfill-selected")
    return count


async def _take(
    services: Services, run_id: UUID, work: Work, documents: Sequence[Candidate]
) -> None:
    if work is not Work.RENEW:
        await _within(services, run_id, partial(_DOING[work], documents))
        return
    # A user's at a time: what is locked for one is in the order of all locks.
    by_user = sorted(documents, key=attrgetter("user_id"))
    for user, own in groupby(by_user, key=attrgetter("user_id")):
        await _within(services, run_id, partial(changes.renew, list(own), user, services.version))


@retry_on_restart
async def _within(services: Services, run_id: UUID, change: Change) -> None:
    """Make a change in a transaction that a pause undoes."""
    async with services.database.service() as connection:
        await change(connection, Actor(services.worker, run_id))
        await backfills.require_going(connection, run_id)


_DOING = {
    Work.GO_ON: changes.go_on,
    Work.RETRY: changes.go_on,
    Work.JUDGE_AGAIN: changes.judge_again,
    Work.READ_AGAIN: changes.read_again,
}
