"""A report as a middling run would fill it, with hostile names in it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from checks.histogram import SHARE_EDGES, SIMILARITY_EDGES, Histogram, size_edges
from checks.report_data import (
    DayPoint,
    Decision,
    Duplicates,
    PersonalData,
    Pipeline,
    ReportData,
    ReportHeading,
    RuleDefinition,
    RuleExample,
    RuleSummary,
    RuleTrend,
    SlowDocument,
    Software,
    Spend,
    StageSeconds,
    StateCount,
    SuiteRun,
    Totals,
    TrendPoint,
)
from checks.report_documents import DocumentVersion, Verdict
from checks.rules import Suite
from checks.suites import CHUNKS, FIDELITY, SUITES
from pipeline.states import JobState

HOSTILE = '<script>document.title="owned"</script><img src="http://127.0.0.1:9/x.png">.pdf'
REVERSED = "statement-\u202efdp.exe"
NOW = datetime(2026, 11, 22, 10, 41, tzinfo=UTC)
FAILING = {
    "pages_with_text": (
        "scans/claim-2019.pdf",
        "1 of 12 pages have text (8%), 50% are needed",
    ),
    "readable": (HOSTILE, "61% of the characters are readable, at least 85% are needed"),
    "gaps": ("scans/booklet-2021.pdf", "not everything was read: pages 2 and 4 are only pictures"),
    "text_rebuilds": (REVERSED, "chunk 3: characters 80 to 900 are not the text of the chunk"),
}
WORST = {
    "words_found": 0.947, "reading_order": 0.71, "ruled_rows_whole": 0.88, "pages_with_text": 0.083,
    "readable": 0.61, "few_replaced": 0.0004, "letters_plausible": 0.84, "language_known": 1.0,
    "gaps": 2.0, "not_empty": 1.0, "headings_sane": 0.92, "furniture_repeated": 0.0,
}  # fmt: skip


def report_data() -> ReportData:
    """Two hundred documents, five of which failed."""
    chance = random.Random(7)
    return ReportData(
        title="Data quality of the corpus",
        generated_at=NOW,
        scope=ReportHeading(
            "Run amber-fox",
            NOW - timedelta(minutes=3),
            NOW,
            "0f9a3c1e",
        ),
        totals=Totals(200, 199, 2_816, 9_412, 2_901_377, 44, 2_350_442, 0.046, 187.3),
        states=(
            StateCount(JobState.COMPLETE, 189),
            StateCount(JobState.COMPLETE_WITH_GAPS, 3),
            StateCount(JobState.EMBEDDINGS_STORED, 2),
            StateCount(JobState.FAILED_PARSE, 3),
            StateCount(JobState.QUARANTINED, 2),
            StateCount(JobState.SUPERSEDED, 1),
        ),
        suites=tuple(_suite_run(suite) for suite in SUITES),
        rules=tuple(rule for suite in SUITES for rule in _rules(suite)),
        versions=(*_failed(), *_lacking(), *_whole(193)),
        trends=_trends(),
        personal=(PersonalData("email", 31, 12), PersonalData("us_ssn", 2, 1)),
        uncounted=5,
        decisions=(Decision(NOW, "acknowledged", HOSTILE, 2, "A scan; the original is on paper."),),
        coverage=Histogram.of(
            [min(1.0, chance.gauss(0.97, 0.08)) for _ in range(196)] + [0.08], SHARE_EDGES
        ),
        chunk_sizes=Histogram.of(
            [min(400.0, max(12.0, chance.gauss(290, 90))) for _ in range(9_412)], size_edges(400)
        ),
        max_tokens=400,
        similarity=Histogram.of([chance.betavariate(6, 3) for _ in range(500)], SIMILARITY_EDGES),
        spend_by_day=(Spend("2026-11-22", 41, 2_310_442, 0.046),),
        spend_by_run=(Spend("amber-fox", 41, 2_310_442, 0.046),),
        spend_by_model=(
            Spend("text-embedding-3-small", 41, 2_310_442, 0.046),
            Spend("wordllama-256", 3, 40_000, 0.0),
        ),
        slowest=tuple(_slow(name, chance) for name in _slow_names()),
        spend_by_owner=(Spend("one user's documents", 44, 2_350_442, 0.046),),
        duplicates=Duplicates(9_412, 9_180, 17),
        pipelines=(Pipeline("local-1", "markdown-1", "openai/text-embedding-3-small (1536)", 200),),
        software=(Software("Insurance Navigator", "0.2.0"), Software("Great Expectations", "1.24")),
        days=tuple(_day(number, chance) for number in range(21)),
    )


def empty_report_data() -> ReportData:
    """Nothing was ingested yet."""
    return ReportData(
        title="Data quality of the corpus",
        generated_at=NOW,
        scope=ReportHeading("The last 30 days", NOW - timedelta(days=30), NOW),
        totals=Totals(0, 0, 0, 0, 0, 0, 0, 0.0, 0.0),
        states=(),
    )


def _suite_run(suite: Suite) -> SuiteRun:
    failed = {FIDELITY.name: 2, CHUNKS.name: 1}.get(suite.name, 0)
    rules = tuple(
        RuleDefinition(each.name, each.title, each.expectation, each.column, "", each.severity)
        for each in suite.rules
    )
    return SuiteRun(
        suite.name, suite.version, suite.title, ("amber-fox",), NOW, NOW, 197, failed, rules
    )


def _rules(suite: Suite) -> list[RuleSummary]:
    rows = 197 if suite is FIDELITY else 9_412
    found = []
    for rule in suite.rules:
        behind = FAILING.get(rule.name)
        found.append(
            RuleSummary(
                suite=suite.name,
                version=suite.version,
                rule=rule.name,
                title=rule.title,
                threshold=rule.threshold,
                severity=rule.severity,
                evaluated=0 if rule.name == "glyphs_readable" else rows,
                failed=1 if behind else 0,
                documents_failed=1 if behind else 0,
                examples=(RuleExample(*behind),) if behind else (),
                worst=WORST.get(rule.name),
            )
        )
    return found


def _failed() -> tuple[DocumentVersion, ...]:
    rows = (
        ("scans/claim-2019.pdf", JobState.FAILED_PARSE, "no_text_layer", "The file has no text "
         "layer: its pages are pictures.", "Install tesseract and set NAVIGATOR_OCR=true."),
        ("policies/2024/home-and-contents-schedule-of-benefits-final-v7-signed.pdf",
         JobState.FAILED_PARSE, "encrypted", "The file asks for a password.",
         "Save a copy without a password and ingest it."),
        (HOSTILE, JobState.QUARANTINED, "quarantined",
         "61% of the characters are readable, at least 85% are needed.",
         "Look at the document; retry it when it is mended."),
        (REVERSED, JobState.QUARANTINED, "quarantined",
         "chunk 3 (page 2): characters 80 to 900 are not the text of the chunk.", "Retry it."),
    )  # fmt: skip
    return tuple(
        DocumentVersion(
            f"job-{n}", source.rpartition("/")[2] or source, n + 1, f"{n:064x}", state, NOW,
            source=source, code=code, message=message, remedy=remedy, attempts=n + 1,
            verdicts=(Verdict("fidelity", "readable", "critical", (message,)),) if n > 1 else (),
            acknowledged_at=NOW if n == 2 else None,
        )
        for n, (source, state, code, message, remedy) in enumerate(rows)
    )  # fmt: skip


def _lacking() -> tuple[DocumentVersion, ...]:
    ocr = "Set NAVIGATOR_OCR=true, with tesseract installed, and take the document in again."
    pages = "Pages 2 and 4 are only pictures, which were not read (NAVIGATOR_OCR is off)."
    font = "Page 7 is set in a font that does not say which characters its signs are."
    told = (
        ("booklet-2021.pdf", "", (pages,), (ocr,)),
        (HOSTILE, "claim.eml", (pages, font), (ocr, "Look there in the original.")),
        (REVERSED, "", (font,), ("Look there in the original.",)),
    )
    return tuple(
        DocumentVersion(
            f"lacking-{n}", name, 1, f"{n + 10:064x}", JobState.COMPLETE_WITH_GAPS, NOW,
            inside=inside, pages=12, chunks=40, gaps=gaps, remedies=remedies,
            verdicts=(Verdict("fidelity", "gaps", "warning", ("not everything was read",)),),
        )
        for n, (name, inside, gaps, remedies) in enumerate(told)
    )  # fmt: skip


def _whole(count: int) -> tuple[DocumentVersion, ...]:
    return tuple(
        DocumentVersion(
            f"whole-{n}", f"policy-{n:05}.pdf", 1, f"{n + 100:064x}", JobState.COMPLETE, NOW,
            source=f"/policies/2026/policy-{n:05}.pdf", media_type="application/pdf", pages=14,
            chunks=47, tokens=14_500, judged=("chunks 1a2b3c4d", "fidelity 5e6f7a8b"),
        )
        for n in range(count)
    )  # fmt: skip


def _trends() -> tuple[RuleTrend, ...]:
    days = [date(2026, 11, 2) + timedelta(days=number) for number in range(21)]
    points = tuple(TrendPoint(day, 200, day.day % 3) for day in days)
    fine = tuple(TrendPoint(day, 200, 0) for day in days)
    return (
        RuleTrend("fidelity", "readable", "The text can be read", points),
        RuleTrend("chunks", "unique", "Every chunk has its own id", fine),
    )


def large_report_data(documents: int) -> ReportData:
    """A report over so many documents, all published."""
    made = report_data()
    return replace(
        made,
        totals=replace(made.totals, versions=documents, documents=documents),
        states=(StateCount(JobState.COMPLETE, documents),),
        versions=_whole(documents),
    )


def _slow_names() -> tuple[str, ...]:
    long = "handbooks/employee-health-plan-summary-of-benefits-and-coverage-2026.pdf"
    return (long, "policies/marine-cargo.pdf", HOSTILE, REVERSED, "claims.docx")


def _slow(name: str, chance: random.Random) -> SlowDocument:
    stages = ("parse", "validate", "chunk", "embed", "gate", "publish")
    weights = (4.0, 0.1, 0.5, 3.0, 0.2, 0.4)
    return SlowDocument(
        name,
        tuple(
            StageSeconds(stage, weight * chance.uniform(0.5, 1.5))
            for stage, weight in zip(stages, weights, strict=True)
        ),
    )


def _day(number: int, chance: random.Random) -> DayPoint:
    documents = chance.randrange(20, 240)
    return DayPoint(
        date(2026, 11, 2) + timedelta(days=number),
        documents,
        chance.randrange(0, 9),
        documents * 0.0003,
    )
