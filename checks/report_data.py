"""The quality report's figures as plain values; the store fills them by SQL."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from checks.histogram import Histogram
from checks.report_documents import DocumentVersion
from pipeline.states import FAILED, PUBLISHED, WORKING, JobState


@dataclass(frozen=True, slots=True)
class ReportHeading:
    """What the report is about.

    Attributes:
        title: e.g. ``Run amber-fox`` or ``The last 30 days``.
        first, last: the time span of what is shown, in UTC.
        run_id: the run, None for a report over time.
        user: whose documents, empty for all.
    """

    title: str
    first: datetime
    last: datetime
    run_id: str | None = None
    user: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the scope.

    Attributes:
        versions: of documents, each in one state; documents: different ones among them.
        pages, chunks, tokens: of these versions, as far as each got.
        calls: requests to models and parsing services, also those that failed.
        billed_tokens: sent with these requests; a text whose vector is known is not sent.
        cost_usd: of these requests, by list price.
        seconds: wall time of the run, or summed over runs.
    """

    versions: int
    documents: int
    pages: int
    chunks: int
    tokens: int
    calls: int
    billed_tokens: int
    cost_usd: float
    seconds: float


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many versions of documents are in a state."""

    state: JobState
    documents: int


@dataclass(frozen=True, slots=True)
class SuiteRun:
    """A suite that was applied.

    Attributes:
        runs: names of the runs that applied it in the scope.
        first, last: when, in UTC; None when no version was judged by it within the scope's time.
        documents: versions whose last judgment is by it; documents_failed: quarantined by it.
        rules: what it demands, where this program still knows the version.
    """

    suite: str
    version: str
    title: str
    runs: tuple[str, ...]
    first: datetime | None
    last: datetime | None
    documents: int
    documents_failed: int
    rules: tuple[RuleDefinition, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleDefinition:
    """A rule as Great Expectations is told it.

    Attributes:
        bounds: the expectation's arguments as text, e.g. ``min_value=0.5``.
    """

    rule: str
    title: str
    expectation: str
    column: str
    bounds: str
    severity: str


@dataclass(frozen=True, slots=True)
class TrendPoint:
    """A rule on one day: how often it was applied, and how often it failed."""

    day: date
    evaluated: int
    failed: int


@dataclass(frozen=True, slots=True)
class RuleTrend:
    """A rule over time, oldest day first, whatever the version of its suite."""

    suite: str
    rule: str
    title: str
    points: tuple[TrendPoint, ...]
    severity: str = "critical"

    @property
    def failed(self) -> int:
        return sum(point.failed for point in self.points)


@dataclass(frozen=True, slots=True)
class PersonalData:
    """How often a kind of personal data stands in the texts, and in how many versions."""

    kind: str
    found: int
    versions: int


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person did to a version: acknowledged, retried, deleted, corrected …"""

    at: datetime
    what: str
    name: str
    version: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What made versions: parser, chunker and embedding model, with how many it made."""

    parser: str
    chunker: str
    model: str
    versions: int


@dataclass(frozen=True, slots=True)
class Software:
    """Of what the report was made: names with their versions, e.g. the program's own."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class RuleExample:
    """A document behind a failed rule, with what is wrong in words."""

    name: str
    sentence: str


@dataclass(frozen=True, slots=True)
class RuleSummary:
    """One rule over the scope.

    Attributes:
        threshold: in words, empty for a rule without numbers.
        evaluated, failed: rows (documents, chunks or vectors), again at each judgment; those that
            were not measured are not among them.
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

    name: str
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
        versions: every version of a document that the report is about, by name.
        coverage: share of pages with text, a value a document.
        chunk_sizes: tokens, a value a chunk; `max_tokens` is the limit.
        similarity: cosine to the nearest chunk of another document, a value a sampled chunk.
        spend_by_…: each adds up to the totals; newest or dearest first.
        days: oldest first; a report on one run may leave them out. So trends.
        golden: what golden questions found, oldest first.
        personal: by kind, over the versions that were looked through; `uncounted` were not.
        decisions: of people, newest first.
        owners: a mark for each user whose documents it is over, for their erasure.
    """

    title: str
    generated_at: datetime
    scope: ReportHeading
    totals: Totals
    states: tuple[StateCount, ...]
    versions: tuple[DocumentVersion, ...] = ()
    suites: tuple[SuiteRun, ...] = ()
    rules: tuple[RuleSummary, ...] = ()
    trends: tuple[RuleTrend, ...] = ()
    personal: tuple[PersonalData, ...] = ()
    uncounted: int = 0
    decisions: tuple[Decision, ...] = ()
    coverage: Histogram = _NOTHING
    chunk_sizes: Histogram = _NOTHING
    max_tokens: int | None = None
    similarity: Histogram = _NOTHING
    spend_by_day: tuple[Spend, ...] = ()
    spend_by_run: tuple[Spend, ...] = ()
    spend_by_model: tuple[Spend, ...] = ()
    spend_by_owner: tuple[Spend, ...] = ()
    slowest: tuple[SlowDocument, ...] = ()
    duplicates: Duplicates = field(default_factory=lambda: Duplicates(0, 0))
    days: tuple[DayPoint, ...] = ()
    golden: tuple[GoldenNight, ...] = ()
    pipelines: tuple[Pipeline, ...] = ()
    software: tuple[Software, ...] = ()
    owners: tuple[str, ...] = ()

    @property
    def published(self) -> int:
        return self.count(*PUBLISHED)

    @property
    def with_gaps(self) -> int:
        return self.count(JobState.COMPLETE_WITH_GAPS)

    @property
    def failing(self) -> int:
        return self.count(*FAILED)

    @property
    def waiting(self) -> int:
        return self.count(*WORKING)

    @property
    def failed(self) -> tuple[DocumentVersion, ...]:
        """The versions that ended without being published, and wait for a person."""
        return tuple(each for each in self.versions if each.state in FAILED)

    @property
    def lacking(self) -> tuple[DocumentVersion, ...]:
        """The versions of which something was not read, without superseded and deleted ones."""
        past = (JobState.SUPERSEDED, JobState.DELETED)
        return tuple(each for each in self.versions if each.gaps and each.state not in past)

    def count(self, *states: JobState) -> int:
        """How many versions are in these states."""
        return sum(found.documents for found in self.states if found.state in states)
