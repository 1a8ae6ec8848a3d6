"""`navigator review`: works off what the gate quarantined or warned of."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app import reviews
from app.terminal.console import answers, print_json, say, table, tell, text
from app.terminal.options import Json, User
from app.terminal.run_report import show_run
from pipeline.errors import UsageError
from pipeline.settings import load_settings
from pipeline.states import state_title

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.reviews import Outcome
    from pipeline.store.review_queries import ReviewItem

group = typer.Typer(
    help="Work off what the quality gate quarantined or warned of.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Document = Annotated[str, typer.Argument(metavar="DOCUMENT", help="Its path, name or id.")]
Reason = Annotated[str, typer.Option("--reason", help="Why; it is kept with your name.")]
_CELL = re.compile(r"(\d{1,4}),(\d{1,5}),(\d{1,4})")


@group.command("list")
def list_(user: User = None, json: Json = False) -> None:
    """Show what waits for a review, with what the gate said."""
    found = asyncio.run(reviews.waiting(load_settings(), user))
    if json:
        print_json(list_json(found))
        return
    if not found:
        say("Nothing waits for a review.")
        return
    shown = table("document", "state", "what the gate said")
    for each in found:
        said = "\n".join(finding["sentence"] for finding in each.findings)
        shown.add_row(text(each.name), text(state_title(each.state)), text(said))
    answers().print(shown)


@group.command()
def accept(document: Document, reason: Reason, user: User = None, json: Json = False) -> None:
    """Let pass what the gate said: a quarantined document is published despite it."""
    done = reviews.accept(load_settings(), user, document, reason)
    _show(done, "Accepted", json=json)


@group.command()
def reject(document: Document, reason: Reason, user: User = None, json: Json = False) -> None:
    """Leave a quarantined document unpublished for good."""
    done = reviews.reject(load_settings(), user, document, reason)
    _show(done, "Rejected", json=json)


@group.command()
def correct(
    document: Document,
    page: Annotated[int, typer.Option("--page", min=1, help="From 1.")],
    before: Annotated[str, typer.Option("--before", help="Exactly what was read.")],
    after: Annotated[str, typer.Option("--after", help="What the page says.")],
    reason: Reason,
    occurrence: Annotated[
        int, typer.Option(min=1, help="Which one, where the same stands there several times.")
    ] = 1,
    cell: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE,ROW,COLUMN", help="A table's cell, each from 1; --before is all of it."
        ),
    ] = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Correct a text or a table's cell; the document is judged and published again."""
    from pipeline.corrections import Correction

    given = Correction(page, before, after, occurrence - 1, _cell(cell))
    done = reviews.correct(load_settings(), user, document, given, reason)
    _show(done, "Corrected", json=json)


@group.command()
def undo(
    document: Document,
    reason: Reason,
    decision: Annotated[
        str | None,
        typer.Option(metavar="ID", help="Which decision; the newest that holds when left out."),
    ] = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Take a decision back; the document is judged without it, and published as the gate says."""
    done = reviews.undo(load_settings(), user, document, decision, reason)
    _show(done, "Taken back", json=json)


def _cell(given: str | None) -> tuple[int, int, int] | None:
    if given is None:
        return None
    found = _CELL.fullmatch(given.replace(" ", ""))
    if found is None or "0" in found.groups():
        raise UsageError(
            "--cell names no cell.", remedy="Give table, row and column from 1, such as 1,3,2."
        )
    table_, row, column = (int(each) - 1 for each in found.groups())
    return table_, row, column


def _show(done: Outcome, word: str, *, json: bool) -> None:
    decision = done.reviewed.decision
    if json:
        print_json(decision_json(done))
        raise typer.Exit(0 if done.report is None or done.report.all_fine else 1)
    tell(f"{word}, as {decision.who}: {decision.reason} (decision {str(decision.id)[:8]})")
    if done.report is not None:
        raise typer.Exit(show_run(done.report, {}, json=False))


def decision_json(done: Outcome) -> dict[str, Any]:
    """A decision for a program, with where the document ended."""
    decision = done.reviewed.decision
    documents = done.report.documents if done.report else ()
    return {
        "decision_id": decision.id,
        "decision": decision.decision,
        "undoes": decision.undoes,
        "document_id": decision.document_id,
        "reason": decision.reason,
        "who": decision.who,
        "state": documents[0].state if documents else None,
    }


def list_json(found: Sequence[ReviewItem]) -> dict[str, Any]:
    """What waits for a review, for a program."""
    names = ("document_id", "job_id", "name", "state", "version", "findings", "updated_at")
    return {"documents": [{name: getattr(each, name) for name in names} for each in found]}
