"""Plans a backfill (dry run): what it would take up and cost, without doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from uuid import uuid4

from clients.storage.objects import ObjectMissing
from pipeline.errors import NavigatorError, ParseCode, ParseError
from pipeline.store import parsed_files
from pipeline.store.candidates import Candidate, Work
from pipeline.store.registration import Outcome
from stages.backfill_runs import require_choice
from stages.backfilling import BackfillOrder, chosen
from stages.pipeline_version import services_for_version
from stages.planned_documents import PlannedDocument, Seen, counted, with_inside
from stages.services import Services
from stages.text_storage import stored_text

MOST_READ = 200
"""Documents that are looked into; what more there is, is reckoned from these by its bytes."""


@dataclass(frozen=True, slots=True)
class Share:
    """What a backfill would do with one part of its documents.

    Attributes:
        new_chunks: those without a vector yet; only these are paid for, with `tokens`.
        estimated: some figures are an estimate.
    """

    work: Work
    documents: int = 0
    chunks: int = 0
    new_chunks: int = 0
    tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class BackfillPlan:
    """What a backfill would do.

    Attributes:
        shares: by what is to be done. pipelines, suites: how many documents each made or judged.
        failing: documents that would fail again, as far as they were looked into.
        looked_into: how many were.
    """

    shares: tuple[Share, ...]
    pipelines: dict[str, int]
    suites: dict[str, int]
    failing: tuple[PlannedDocument, ...] = ()
    looked_into: int = 0

    @property
    def documents(self) -> int:
        """How many it would take up."""
        return sum(each.documents for each in self.shares)

    @property
    def tokens(self) -> int:
        """That would be paid for."""
        return sum(each.tokens for each in self.shares)

    @property
    def cost_usd(self) -> Decimal:
        """Of the whole, in US dollars at list price."""
        return sum((each.cost_usd for each in self.shares), Decimal(0))

    @property
    def estimated(self) -> bool:
        """Whether some figures are an estimate."""
        return any(each.estimated for each in self.shares)


@dataclass(slots=True)
class _Looked:
    """What was found of the documents of one kind of work."""

    all_bytes: int = 0
    read_bytes: int = 0
    documents: int = 0
    read: list[PlannedDocument] = field(default_factory=list)


async def plan_backfill(
    services: Services,
    order: BackfillOrder,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BackfillPlan:
    """What a backfill would take up and cost. Reads and parses in memory; stores nothing.

    Args:
        progress: hears how many of how many documents were looked into.

    Raises:
        UsageError: nothing is chosen.
    """
    require_choice(order)
    found = await chosen(services, order, uuid4(), order.limit)
    step = max(1, -(-len(found) // MOST_READ))
    looked: dict[Work, _Looked] = {}
    seen: Seen = set()
    for number, (candidate, work) in enumerate(found):
        of_work = looked.setdefault(work, _Looked())
        of_work.documents += 1
        of_work.all_bytes += candidate.file_bytes
        if number % step == 0:
            of_work.read += await _look(services, candidate, work, seen)
            of_work.read_bytes += candidate.file_bytes
            progress(number // step + 1, -(-len(found) // step))
    read = [each for of_work in looked.values() for each in of_work.read]
    return BackfillPlan(
        tuple(_share(work, of_work) for work, of_work in looked.items()),
        dict(Counter(candidate.pipeline for candidate, _ in found)),
        dict(Counter(_judges(candidate) for candidate, _ in found)),
        tuple(each for each in read if each.error is not None),
        -(-len(found) // step),
    )


def _judges(candidate: Candidate) -> str:
    """``chunks 1a2b3c4d, fidelity …``; what was not judged, or before versions were kept: none."""
    said = [f"{name} {version}" for name, version in sorted(candidate.judged.items())]
    return ", ".join(said) or "none"


def _share(work: Work, looked: _Looked) -> Share:
    """The sums, and for what was not looked into as much again by its bytes."""
    share = replace(_sums(work, looked.read), documents=looked.documents)
    if looked.read_bytes == looked.all_bytes:
        return share
    factor = Decimal(looked.all_bytes) / (looked.read_bytes or 1)
    return replace(
        share,
        chunks=int(share.chunks * factor),
        new_chunks=int(share.new_chunks * factor),
        tokens=int(share.tokens * factor),
        cost_usd=share.cost_usd * factor,
        estimated=True,
    )


def _sums(work: Work, read: Sequence[PlannedDocument]) -> Share:
    return Share(
        work,
        len(read),
        sum(each.chunks for each in read),
        sum(each.new_chunks for each in read),
        sum(each.tokens for each in read),
        sum((each.cost_usd for each in read), Decimal(0)),
        any(each.estimated for each in read),
    )


async def _look(
    services: Services, candidate: Candidate, work: Work, seen: Seen
) -> list[PlannedDocument]:
    """One document, and those inside it that are none yet."""
    fit = services
    if work in (Work.GO_ON, Work.RETRY):
        fit = services_for_version(services, candidate.version) or services
    planned = PlannedDocument(candidate.source, candidate.name, Outcome.WAITING)
    try:
        if work is not Work.READ_AGAIN:
            key = (candidate.user_id, candidate.file_sha256, fit.version.parser)
            async with services.database.service() as connection:
                stored = (await parsed_files.find(connection, [key])).get(key)
            text = await stored_text(services, stored) if stored else None
            if text is not None:  # read already, whoever was paid for it
                return [await counted(fit, candidate.user_id, planned, text, seen)]
        data = await services.storage.get(candidate.storage_key)
    except ObjectMissing:
        error = ParseError(ParseCode.MISSING, "The stored file is gone.")
        return [replace(planned, error=error)]
    except NavigatorError as error:
        return [replace(planned, error=error)]
    return await with_inside(fit, candidate.user_id, planned, data, seen)
