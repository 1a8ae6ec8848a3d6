"""The quality report's figures as plain values; the store fills them by SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from checks.histogram import Histogram
from checks.report_documents import FailedDocument, LackingDocument
from pipeline.states import FAILED, PUBLISHED, WORKING, JobState


@dataclass(frozen=True, slots=True)
class ReportHeading:
    """What the report is about.

    Attributes:
        title: e.g. ``Run amber-fox`` or ``The last 30 days``.
        first, last: the time span of what is shown, in UTC.
        run_id: the run, None for a report over time.
        pipeline_version: parser, chunker and embedding space; empty when several.
        user: whose documents, empty for all.
    """

    title: str
    first: datetime
    last: datetime
    run_id: str | None = None
    pipeline_version: str = ""
    user: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the scope.

    Attributes:
        tokens: sent to the embedder, so without reused text.
        chunks_reused: chunks whose vector was already known.
        cost_usd: as billed by list price.
        seconds: wall time of the run, or summed over runs.
    """

    documents: int
    pages: int
    chunks: int
    chunks_reused: int
    tokens: int
    calls: int
    cost_usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many documents are in a state."""

    state: JobState
    documents: int


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """A suite that was applied.

    Attributes:
        runs: names of the runs that applied it, newest first.
        first, last: when, in UTC.
        documents: judged; documents_failed: kept back.
    """

    suite: str
    version: str
    title: str
    runs: tuple[str, ...]
    first: datetime
    last: datetime
    documents: int
    documents_failed: int


@dataclass(frozen=True, slots=True)
class RuleExample:
    """A document behind a failed rule, with what is wrong in words."""

    source: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """One rule over the scope.

    Attributes:
        threshold: in words, empty for a rule without numbers.
        evaluated, failed: rows; those that were not measured are not among them.
        worst: the worst value that was measured, None for a rule without numbers.
        documents_failed: documents behind the failed rows.
        examples: a few of these.
    """

    suite: str
    version: str
    rule: str
    title: str
    threshold: str
    severity: str
    evaluated: int
    failed: int
    documents_failed: int
    examples: tuple[RuleExample, ...] = ()
    worst: float | None = None


@dataclass(frozen=True, slots=True)
class Spend:
    """Tokens and cost of a day, a run or a model; `label` names it."""

    label: str
    calls: int
    tokens: int
    cost_usd: float


@dataclass(frozen=True, slots=True)
class StageSeconds:
    """How long a document spent in a stage."""

    stage: str
    seconds: float


@dataclass(frozen=True, slots=True)
class SlowDocument:
    """A document with the time of its stages, in their order."""

    source: str
    stages: tuple[StageSeconds, ...]

    @property
    def seconds(self) -> float:
        return sum(stage.seconds for stage in self.stages)


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Chunks whose text another chunk has too.

    Attributes:
        chunks: published in the scope.
        distinct: different texts among them.
        near: sampled chunks with a neighbor in another document above 0.98 cosine.
    """

    chunks: int
    distinct: int
    near: int = 0

    @property
    def share(self) -> float:
        return 1 - self.distinct / self.chunks if self.chunks else 0.0


@dataclass(frozen=True, slots=True)
class DayPoint:
    """One day: documents that ended, how many of them failed, and what was spent."""

    day: date
    documents: int
    failed: int
    cost_usd: float

    @property
    def failed_share(self) -> float:
        return self.failed / self.documents if self.documents else 0.0


@dataclass(frozen=True, slots=True)
class GoldenNight:
    """What the golden questions found at a time; `lost` ones find nothing that they expect."""

    at: datetime
    model: str
    questions: int
    lost: int
    ndcg: float
    recall: float


_NOTHING = Histogram((0.0, 1.0), (0,))


@dataclass(frozen=True, slots=True)
class ReportData:
    """The whole report.

    Attributes:
        generated_at: in UTC.
        lacking: some of the documents that were not read whole; lacking_in_all: how many there are.
        coverage: share of pages with text, a value a document.
        chunk_sizes: tokens, a value a chunk; `max_tokens` is the limit.
        similarity: cosine to the nearest chunk of another document, a value a sampled chunk.
        spend_by_day, spend_by_run, spend_by_model: newest or dearest first.
        days: oldest first; a report on one run may leave them out.
        golden: what golden questions found, oldest first.
        owners: a mark for each user whose documents it is over, for their erasure.
    """

    title: str
    generated_at: datetime
    scope: ReportHeading
    totals: Totals
    states: tuple[StateCount, ...]
    suites: tuple[SuiteRun, ...] = ()
    rules: tuple[RuleSummary, ...] = ()
    failed: tuple[FailedDocument, ...] = ()
    lacking: tuple[LackingDocument, ...] = ()
    lacking_in_all: int = 0
    coverage: Histogram = _NOTHING
    chunk_sizes: Histogram = _NOTHING
    max_tokens: int | None = None
    similarity: Histogram = _NOTHING
    spend_by_day: tuple[Spend, ...] = ()
    spend_by_run: tuple[Spend, ...] = ()
    spend_by_model: tuple[Spend, ...] = ()
    slowest: tuple[SlowDocument, ...] = ()
    duplicates: Duplicates = field(default_factory=lambda: Duplicates(0, 0))
    days: tuple[DayPoint, ...] = ()
    golden: tuple[GoldenNight, ...] = ()
    owners: tuple[str, ...] = ()

    @property
    def published(self) -> int:
        return self._count(*PUBLISHED)

    @property
    def with_gaps(self) -> int:
        return self._count(JobState.COMPLETE_WITH_GAPS)

    @property
    def failing(self) -> int:
        return self._count(*FAILED)

    @property
    def waiting(self) -> int:
        return self._count(*WORKING)

    def _count(self, *states: JobState) -> int:
        return sum(found.documents for found in self.states if found.state in states)
