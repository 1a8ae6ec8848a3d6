"""Converts what the stages and the store return to the results of this package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from app.terminal.run_report import status
from insurance_navigator import results
from pipeline.errors import NavigatorError
from pipeline.job_notes import JobNote, gaps_of
from pipeline.sources import FoundFiles, RejectedFile
from pipeline.states import state_word

if TYPE_CHECKING:
    from app.ingestion_messages import Outcome
    from pipeline.companions.model import Companion
    from pipeline.quotas import StorageUse
    from pipeline.store.document_queries import DocumentView
    from pipeline.store.runs import RunDocument
    from pipeline.store.search import Passage
    from pipeline.store.stops import StoppedRun
    from pipeline.store.summary import CorpusSummary, RunRecord
    from stages.planned_documents import PlannedDocument
    from stages.planning import Plan
    from stages.search import SearchAnswer


def ingest_result(outcome: Outcome) -> results.IngestResult:
    """What came of an ingest."""
    report = outcome.report
    return results.IngestResult(
        run_id=report.run_id,
        all_fine=report.all_fine,
        documents=tuple(map(_ingested, report.documents)),
        rejected=_rejected(report.rejected),
        passed_over=tuple(each.source for each in report.passed_over),
        skipped=outcome.found.skipped,
        kept=tuple(each.source for each in report.kept),
        moved=report.moved,
        deleted=report.deleted,
        cost_usd=report.cost_usd,
        seconds=report.seconds,
        stopped=report.stopped,
        remarks=outcome.remarks,
    )


def _ingested(each: RunDocument) -> results.IngestedDocument:
    return results.IngestedDocument(
        document_id=each.document_id,
        document=each.name,
        source=each.source,
        status=status(each),
        pages=each.pages,
        chunks=each.chunks,
        tokens=each.tokens,
        cost_usd=each.cost_usd,
        gaps=_gaps(each.notes),
        problem=_problem(each.error_code, each.error_message, each.error_remedy),
    )


def plan_result(plan: Plan, found: FoundFiles) -> results.PlanResult:
    """What an ingest would do."""
    return results.PlanResult(
        documents=tuple(map(_planned, plan.documents)),
        rejected=_rejected(plan.rejected),
        skipped=found.skipped,
        moved=plan.moved,
        deleted=plan.vanished,
        cost_usd=plan.cost_usd,
    )


def _planned(each: PlannedDocument) -> results.PlannedDocument:
    return results.PlannedDocument(
        document=each.name,
        source=each.source,
        outcome=str(each.outcome),
        pages=each.pages,
        chunks=each.chunks,
        new_chunks=each.new_chunks,
        tokens=each.tokens,
        cost_usd=each.cost_usd,
        estimated=each.estimated,
        problem=_problem_of(each.error),
    )


def search_result(question: str, answer: SearchAnswer) -> results.SearchResult:
    """The passages that answer a question."""
    return results.SearchResult(
        question=question,
        passages=tuple(map(_passage, answer.passages)),
        published=answer.published,
        only_by_words=answer.elsewhere,
        near_words=tuple(results.NearWord(near.asked, near.taken) for near in answer.near),
        relevance=answer.relevance,
        fits=answer.fits,
        answered_by=answer.answered_by,
        warning=None if answer.away is None else answer.away.message,
    )


def _passage(each: Passage) -> results.Passage:
    pages = each.page_first, each.page_last
    return results.Passage(
        text=each.text,
        document=each.name,
        document_id=each.document_id,
        source=each.source,
        page_first=each.page_first,
        page_last=each.page_last,
        role=str(each.role),
        heading_path=tuple(each.heading_path),
        context=each.context,
        gaps=tuple(_gap(gap, here=gap.on(*pages)) for gap in each.gaps),
        score=each.score,
        similarity=each.similarity,
        vector_rank=each.vector_rank,
        text_rank=each.text_rank,
        chunk_id=each.chunk_id,
        language=each.language,
        relevance=each.relevance or 0.0,
        citation=each.citation,
        copies=each.copies,
        copy_count=each.copy_count,
        companions=tuple(map(_companion, each.companions)),
        companions_left_out=each.companions_left_out,
        rerank_score=each.rerank_score,
    )


def _companion(each: Companion) -> results.Companion:
    return results.Companion(
        relation=str(each.relation),
        reason=each.reason,
        text=each.text,
        document=each.name,
        document_id=each.document_id,
        source=each.source,
        page_first=each.page_first,
        page_last=each.page_last,
        role=str(each.role),
        heading_path=tuple(each.heading_path),
        context=each.context,
        chunk_id=each.chunk_id,
    )


def document(each: DocumentView) -> results.Document:
    """A document and its newest version."""
    return results.Document(
        document_id=each.document_id,
        document=each.name,
        source=each.source,
        status=state_word(each.state or "", each.error_code),
        published=each.published,
        version=each.version,
        pages=each.pages,
        chunks=each.chunks,
        tokens=each.tokens,
        tags=tuple(each.tags),
        language=each.language,
        cost_usd=each.cost_usd,
        updated_at=each.updated_at,
        gaps=_gaps(each.notes),
        problem=_problem(each.error_code, each.error_message, each.error_remedy),
        form=each.edition.form,
        edition=each.edition.edition,
        edition_date=each.edition.edition_date,
        effective_date=each.edition.effective_date,
    )


def status_result(
    corpus: CorpusSummary,
    storage: StorageUse,
    runs: Iterable[RunRecord],
    stopped: Iterable[StoppedRun],
    failed: Sequence[DocumentView],
) -> results.StatusResult:
    """The corpus of a user in figures."""
    documents: Counter[str] = Counter()
    for state, count in corpus.by_state.items():
        documents[state_word(state)] += count
    return results.StatusResult(
        documents=dict(documents),
        published=corpus.published,
        passages=corpus.chunks,
        vectors=corpus.vectors,
        tokens=corpus.tokens,
        cost_usd=corpus.cost_usd,
        storage_bytes=storage.used,
        runs=tuple(map(_run, runs)),
        stopped=tuple(
            results.StoppedRun(each.run_id, each.documents, each.message) for each in stopped
        ),
        failed=tuple(map(document, failed)),
    )


def _run(each: RunRecord) -> results.Run:
    return results.Run(
        each.run_id, each.kind, each.started_at, each.finished_at, each.seconds,
        each.documents, each.published, each.cost_usd, each.stopped,
    )  # fmt: skip


def _rejected(files: Iterable[RejectedFile]) -> tuple[results.RejectedFile, ...]:
    return tuple(
        results.RejectedFile(each.source, results.Problem(each.code, each.message, each.remedy))
        for each in files
    )


def _gaps(notes: Iterable[Mapping[str, Any]]) -> tuple[results.Gap, ...]:
    return tuple(_gap(note, here=True) for note in gaps_of(notes))


def _gap(note: JobNote, *, here: bool) -> results.Gap:
    return results.Gap(note.message, note.remedy, note.pages, here)


def _problem(code: str | None, message: str | None, remedy: str | None) -> results.Problem | None:
    return results.Problem(code, message or "", remedy or "") if code else None


def _problem_of(error: NavigatorError | None) -> results.Problem | None:
    return results.Problem(error.code, error.message, error.remedy) if error else None
