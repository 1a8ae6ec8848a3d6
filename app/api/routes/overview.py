"""Route of the overview: the dashboard's figures in one answer."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from app.api.authorization import CurrentAccess
from app.api.dependencies import ApiParts, Parts
from app.api.problems import responses
from pipeline.states import RETRYABLE, JobState
from pipeline.store import metrics, overview, quotas
from pipeline.store.clock import database_time
from pipeline.store.helpful_retries import retry_helps
from pipeline.store.metrics import Circuit
from pipeline.store.overview import Overview, Row
from pipeline.store.registration import PipelineVersion
from stages.costs import embedding_price, page_price

router = APIRouter(tags=["overview"])


class Figures(BaseModel):
    """Read from a row."""

    model_config = ConfigDict(from_attributes=True, extra="ignore")


class QueueOut(Figures):
    """Jobs that are not at their end."""

    waiting: int = Field(description="Nobody is at them.")
    held: int = Field(description="A worker is at them.")
    oldest: float = Field(description="Seconds since the oldest that waits last moved.")


class BuffersOut(Figures):
    """What is made and not yet published."""

    chunks: int
    vectors: int
    reservations: int = Field(description="Vectors that an embedder was asked for.")


class MinuteOut(Figures):
    """What was published in a minute."""

    minute: datetime
    documents: int
    chunks: int
    tokens: int


class ServiceOut(Figures):
    """An outside service in the last hour."""

    service: str
    calls: int = 0
    succeeded: int = 0
    p50: float | None = Field(default=None, description="Seconds.")
    p95: float | None = Field(default=None, description="Seconds.")
    cost_usd: Decimal = Decimal(0)
    circuit: str | None = Field(default=None, description="closed, half_open or open.")
    failing_since: datetime | None = Field(
        default=None, description="No answer came since then; null while it answers."
    )
    waiting: int = Field(default=0, description="Documents that go on when it answers again.")
    last_success: datetime | None = None


class TroubledOut(Figures):
    """A document behind an error."""

    job_id: str
    document_id: str
    name: str
    state: JobState
    message: str
    remedy: str
    at: datetime
    retryable: bool
    retry_helps: bool = Field(description="A retry may end otherwise than the time before.")
    stopped_run: UUID | None = Field(description="The run that was stopped, and can be resumed.")


class TroubleOut(Figures):
    """An error and what it befell, but for what a person has acknowledged."""

    code: str
    number: int = Field(description="Documents that it befell, and that are still where it did.")
    documents: list[TroubledOut] = Field(description="The newest of them.")


class SpendOut(BaseModel):
    """Dollars. A request for several users at once counts for one user in `ever` only."""

    today: Decimal = Field(description="Since midnight UTC.")
    month: Decimal = Field(description="Since the first of the month, UTC.")
    ever: Decimal
    forecast: Decimal | None = Field(
        description="For what waits, at most: what is known already is not paid for again. "
        "Null when nothing is known to judge by."
    )
    waiting: int = Field(description="Documents that the forecast is about.")


class DayOut(Figures):
    """What the quality gate said on a day."""

    day: date
    passed: int = Field(description="Rules that passed, one for each batch.")
    failed: int
    warned: int = Field(description="Failed, and no reason to keep a document back.")
    documents_failed: int


class StorageOut(Figures):
    """Stored files, in bytes."""

    used: int = Field(description="Each content once, and the uploads that are announced.")
    allowed: int | None = Field(description="The user's quota; null without one.")


class OverviewOut(BaseModel):
    """How everything stands."""

    at: datetime = Field(description="By the database's clock, as every time here.")
    everybody: bool = Field(description="Everybody's figures, which an operator gets.")
    documents: dict[JobState, int] = Field(description="By the state of their newest version.")
    storage: StorageOut
    queue: QueueOut
    buffers: BuffersOut
    throughput: list[MinuteOut] = Field(description="The last hour.")
    services: list[ServiceOut]
    troubles: list[TroubleOut] = Field(description="Most documents first.")
    spend: SpendOut
    quality: list[DayOut] = Field(description="The last two weeks, oldest first.")


@router.get("/overview", responses=responses(401, 403, 422, 429, 503))
async def get_overview(parts: Parts, scope: CurrentAccess) -> OverviewOut:
    """How the work stands: the caller's own, or, for an operator, everybody's or one user's.

    Whether a service may be asked (`circuit`) is the same for everybody.
    """
    async with scope.reading(parts.database) as connection:
        now, found = await database_time(connection), await overview.read(connection)
        use = await quotas.storage_use(
            connection, scope.user, parts.settings.user_quota_bytes if scope.user else 0
        )
    async with parts.database.service() as connection:
        circuits = await metrics.circuits(connection)
    return OverviewOut(
        at=now,
        everybody=scope.user is None,
        documents={JobState(state): number for state, number in found.documents.items()},
        storage=StorageOut(used=use.used, allowed=use.allowed or None),
        queue=QueueOut.model_validate(found.queue),
        buffers=BuffersOut.model_validate(found.buffers),
        throughput=[MinuteOut.model_validate(each) for each in found.throughput],
        services=_services(found.services, circuits),
        troubles=_troubles(found.troubles, parts.services.version),
        spend=_spend(parts, found),
        quality=[DayOut.model_validate(each) for each in found.quality],
    )


def _services(calls: list[Row], circuits: list[Circuit]) -> list[ServiceOut]:
    shown = {each["service"]: ServiceOut.model_validate(each) for each in calls}
    for each in circuits:
        service = shown.setdefault(each.provider, ServiceOut(service=each.provider))
        service.circuit, service.last_success = each.state, each.last_success
        service.failing_since, service.waiting = each.open_since, each.waiting
    return sorted(shown.values(), key=lambda each: each.service)


def _troubles(troubled: list[Row], today: PipelineVersion) -> list[TroubleOut]:
    found = []
    for code, group in groupby(troubled, lambda row: row["code"]):
        rows = list(group)
        documents = [_troubled(row, today) for row in rows]
        found.append(TroubleOut(code=code, number=rows[0]["number"], documents=documents))
    return found


def _troubled(row: Row, today: PipelineVersion) -> TroubledOut:
    state = JobState(row["state"])
    return TroubledOut(
        job_id=str(row["job_id"]),
        document_id=str(row["document_id"]),
        name=row["name"],
        state=state,
        message=row["message"] or "",
        remedy=row["remedy"] or "",
        at=row["at"],
        retryable=state in RETRYABLE or row["stopped_run"] is not None,
        retry_helps=retry_helps(
            state, row["code"], row["stopped"], (row["parser"], row["chunker"]), today
        ),
        stopped_run=row["stopped_run"],
    )


def _spend(parts: ApiParts, found: Overview) -> SpendOut:
    waiting = found.waiting
    forecast = embedding_price(parts.embedder, waiting["tokens"])
    if parts.services.remote_parser is not None:
        forecast += waiting["pages"] * page_price(parts.services)
    free = not parts.embedder.price_per_million_tokens and parts.services.remote_parser is None
    known = free or not waiting["unknown"]
    return SpendOut(
        **found.spent, forecast=forecast if known else None, waiting=waiting["documents"]
    )
