"""Reports a finished run, for a person and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app.terminal.console import (
    answers,
    dollars,
    number,
    print_json,
    quantity,
    right,
    say,
    short_path,
    table,
    tell,
    text,
)
from app.terminal.gaps import print_lacking, say_unchanged_gaps
from app.terminal.skipped_files import links_json, print_kept, print_links
from app.terminal.states import STATE_COLORS
from pipeline.sources import RejectedFile
from pipeline.states import PUBLISHED, WITH_GAPS, JobState, state_word

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from pipeline.store.runs import RunDocument

MOST_ROWS = 60
"""A run of more documents shows its failures and a summary."""


@dataclass(frozen=True)
class RunReport:
    """A run as it ended.

    Attributes:
        passed_over: links that were not followed, which is no failure.
        kept: documents whose files are gone, not deleted because the run did not end well.
        moved: documents whose files were found at another path.
        stopped: why it ended early, in one sentence.
        seconds: wall time of the run.
    """

    run_id: UUID
    documents: Sequence[RunDocument]
    rejected: Sequence[RejectedFile]
    passed_over: Sequence[RejectedFile]
    kept: Sequence[RejectedFile]
    moved: int
    deleted: int
    cost_usd: Decimal
    stopped: str | None
    seconds: float

    @property
    def unchanged(self) -> int:
        """Documents that were published already."""
        return sum(status(each) == "unchanged" for each in self.documents)

    @property
    def worked_on(self) -> list[RunDocument]:
        """All others."""
        return [each for each in self.documents if status(each) != "unchanged"]

    def count(self, word: str) -> int:
        """Documents with this status."""
        return sum(status(each) == word for each in self.documents)

    @property
    def all_fine(self) -> bool:
        """Every document is published or known to fail, and every file was taken in."""
        good = all(each.state in PUBLISHED or each.acknowledged for each in self.documents)
        return good and not self.rejected


async def read_run(connection: AsyncConnection, run_id: UUID) -> RunReport:
    """What the database knows about a run that the connection's role may see."""
    from pipeline.store import runs, summary

    run = await summary.find_run(connection, str(run_id))
    return RunReport(
        run_id=run_id,
        documents=await runs.run_documents(connection, run_id),
        rejected=await runs.rejected_files(connection, run_id),
        passed_over=await runs.passed_over(connection, run_id),
        kept=await runs.kept_by_sync(connection, run_id),
        moved=await summary.moved_in_run(connection, run_id),
        deleted=await summary.deleted_in_run(connection, run_id),
        cost_usd=run.cost_usd if run else Decimal(0),
        stopped=run.stopped if run else None,
        seconds=run.seconds if run else 0.0,
    )


def status(document: RunDocument) -> str:
    """A document's state for a person, or ``unchanged`` when it was published before."""
    if document.outcome == "unchanged" and document.state in PUBLISHED:
        return "unchanged"
    return state_word(document.state, document.error_code)


def print_report(report: RunReport, *, failures: bool = True) -> None:
    """The table of documents, then what went wrong and what to do, then the sums."""
    rows = report.worked_on
    large = len(rows) > MOST_ROWS
    if rows and not large:
        _print_table(rows)
    print_lacking([e for e in rows if e.state == JobState.COMPLETE_WITH_GAPS])
    if failures:
        _print_failures(report, most=MOST_ROWS)
    print_links(report.passed_over)
    _print_sums(report)


def _print_table(documents: Sequence[RunDocument]) -> None:
    shown = table(
        ("Document", {"overflow": "fold"}),
        ("State", {"no_wrap": True}),
        *(right(each) for each in ("Pages", "Chunks", "Tokens", "Cost", "Seconds")),
    )
    for each in documents:
        state = status(each)
        shown.add_row(
            text(each.name),
            text(state, STATE_COLORS.get(state, "")),
            number(each.pages),
            number(each.chunks),
            number(each.tokens),
            dollars(each.cost_usd),
            f"{each.seconds:.1f}",
        )
    answers().print(shown)


def _print_failures(report: RunReport, most: int) -> None:
    failed = [
        (each.name, each.error_message, each.error_remedy)
        for each in report.documents
        if (status(each) == "failed" and not each.acknowledged)
        or (status(each) == "waiting" and each.error_message)
    ]
    lines = failed + [(short_path(f.source), f.message, f.remedy) for f in report.rejected]
    for name, message, remedy in lines[:most]:
        print_trouble(name, message, remedy)
    if len(lines) > most:
        tell(f"… and {len(lines) - most:,} more; `navigator list --state failed` names them all.")
    if lines:
        tell("")


def print_trouble(name: str, message: str | None, remedy: str | None) -> None:
    """What happened to one document, and what to do about it."""
    from rich.text import Text

    answers().print(Text.assemble(("✗ ", "red"), (text(name).plain, "bold")))
    print_reason(message, remedy)


def print_reason(message: str | None, remedy: str | None) -> None:
    """The same without the name, for where it stands above."""
    from rich.padding import Padding

    answers().print(Padding(text(message or "It failed."), (0, 0, 0, 2), expand=False))
    if remedy:
        answers().print(Padding(text(f"→ {remedy}", "cyan"), (0, 0, 0, 2), expand=False))


def _print_sums(report: RunReport) -> None:
    words = ("published", WITH_GAPS, "unchanged", "failed", "stopped", "waiting")
    counts = {each: report.count(each) for each in words}
    counts["failed"] += len(report.rejected)
    counts |= {"moved": report.moved, "deleted": report.deleted}
    parts = [f"{count:,} {each}" for each, count in counts.items() if count]
    documents = quantity(len(report.documents) + len(report.rejected), "document")
    tokens = sum(each.billed_tokens for each in report.worked_on)
    tell(
        f"{documents}: {', '.join(parts) or 'nothing to do'}; {tokens:,} tokens embedded for "
        f"{dollars(report.cost_usd)} in {report.seconds:.1f} s."
    )
    if known := sum(each.acknowledged for each in report.documents):
        say(f"{quantity(known, 'failure')} acknowledged before; `navigator list` names them.")
    print_kept(report.kept)
    say_unchanged_gaps([each for each in report.documents if status(each) == "unchanged"])
    if report.stopped:
        resume = f" Go on with `navigator resume {str(report.run_id)[:8]}`, or ingest it again."
        say(report.stopped + (resume if report.count("stopped") else ""), "yellow")


def as_json(report: RunReport, skipped: dict[str, int]) -> dict[str, Any]:
    """The same for a program."""
    return {
        "run_id": report.run_id,
        "all_fine": report.all_fine,
        "stopped": report.stopped,
        "documents": [_document_json(each) for each in report.documents],
        "rejected": [
            {"source": f.source, "error": _error(f.code, f.message, f.remedy)}
            for f in report.rejected
        ],
        "skipped": skipped,
        "passed_over": links_json(report.passed_over),
        "kept": [each.source for each in report.kept],
        "moved": report.moved,
        "deleted": report.deleted,
        "cost_usd": report.cost_usd,
        "seconds": round(report.seconds, 3),
    }


def _document_json(each: RunDocument) -> dict[str, Any]:
    return {
        "document": each.name,
        "source": each.source,
        "document_id": each.document_id,
        "job_id": each.job_id,
        "outcome": each.outcome,
        "status": status(each),
        "state": each.state,
        "pages": each.pages,
        "chunks": each.chunks,
        "tokens": each.tokens,
        "billed_tokens": each.billed_tokens,
        "cost_usd": each.cost_usd,
        "seconds": round(each.seconds, 3),
        "notes": each.notes,
        "acknowledged": each.acknowledged,
        "error": _error(each.error_code, each.error_message, each.error_remedy),
    }


def _error(code: str | None, message: str | None, remedy: str | None) -> dict[str, Any] | None:
    return {"code": code, "message": message, "remedy": remedy} if code else None


def show_run(report: RunReport, skipped: dict[str, int], *, json: bool) -> int:
    """Print a run for a person or a program; the exit code: 0 all fine, 1 some failed."""
    if json:
        print_json(as_json(report, skipped))
    else:
        print_report(report)
    return 0 if report.all_fine else 1
