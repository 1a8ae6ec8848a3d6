"""Prints backfills: what one would do and cost, and how far each is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.terminal.console import (
    answers,
    dollars,
    notes,
    number,
    quantity,
    right,
    say,
    table,
    tell,
    text,
)  # fmt: skip
from app.terminal.run_report import MOST_ROWS, print_trouble

if TYPE_CHECKING:
    from pipeline.store.backfills import Backfill
    from stages.backfill_plan import BackfillPlan


@contextmanager
def plan_progress() -> Iterator[Callable[[int, int], None]]:
    """Show how many of how many documents were looked into."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("Reading"), BarColumn(), MofNCompleteColumn(),
        console=notes(), transient=True, disable=not notes().is_terminal,
    )  # fmt: skip
    task = bar.add_task("", total=None)
    with bar:
        yield lambda done, total: bar.update(task, completed=done, total=total)


def print_plan(plan: BackfillPlan) -> None:
    """The plan for a person."""
    if not plan.documents:
        tell("No document fits: there is nothing to do.")
        return
    shown = table(
        ("Each of these", {"no_wrap": True}), right("Documents"), right("Chunks"), right("New"),
        right("Tokens"), right("Cost"),
    )  # fmt: skip
    for each in plan.shares:
        about = "~" if each.estimated else ""
        figures = (each.chunks, each.new_chunks, each.tokens)
        shown.add_row(
            text(each.work.value), number(each.documents),
            *(f"{about}{number(figure)}" for figure in figures),
            f"{about}{dollars(each.cost_usd)}",
        )  # fmt: skip
    answers().print(shown)
    for name, count in plan.pipelines.items():
        tell(f"{quantity(count, 'document')} made by {name}")
    for name, count in plan.suites.items():
        judged = "of which no suites are known" if name == "none" else f"judged by {name}"
        tell(f"{quantity(count, 'document')} {judged}")
    for failing in plan.failing[:MOST_ROWS]:
        assert failing.error is not None
        print_trouble(failing.name, f"It would fail: {failing.error.message}", failing.error.remedy)
    about = "about " if plan.estimated else ""
    tell(
        f"{quantity(plan.documents, 'document')}: a backfill would embed {about}{plan.tokens:,} "
        f"tokens, for {about}{dollars(plan.cost_usd)}; nothing was stored or paid now."
    )
    if plan.looked_into < plan.documents:
        say(f"{plan.looked_into:,} were looked into, the others are reckoned by their bytes.")


def plan_json(plan: BackfillPlan) -> dict[str, Any]:
    """The same for a program."""
    return {
        "documents": plan.documents,
        "looked_into": plan.looked_into,
        "works": [asdict(each) for each in plan.shares],
        "pipelines": plan.pipelines,
        "suites": plan.suites,
        "tokens": plan.tokens,
        "cost_usd": plan.cost_usd,
        "estimated": plan.estimated,
        "failing": [
            {"document": each.name, "source": each.source,
             "error": {"code": each.error.code, "message": each.error.message,
                       "remedy": each.error.remedy}}
            for each in plan.failing if each.error is not None
        ],
    }  # fmt: skip


def standing(each: Backfill) -> str:
    """How a backfill stands, in a word or two."""
    if each.paused:
        return "pausing" if each.alive else "paused"
    if each.alive:
        return "working" if each.selected else "choosing"
    if each.finished_at is None:
        return "not running"
    return "stopped" if each.waiting and each.stopped else "ended"


def print_backfills(found: Sequence[Backfill]) -> None:
    """Each backfill in a line."""
    if not found:
        say("There were no backfills yet.")
        return
    shown = table(
        ("Begun", {"no_wrap": True}), "What", ("How it stands", {"no_wrap": True}),
        right("Documents"),
        right("Published"), right("Failed"), right("Left"), right("Cost"), right("Cap"), "Run",
    )  # fmt: skip
    for each in found:
        shown.add_row(
            f"{each.started_at.astimezone():%Y-%m-%d %H:%M}",
            text(asked_for(each)),
            standing(each),
            number(each.documents),
            number(each.published),
            number(each.failed),
            number(each.waiting),
            dollars(each.cost_usd),
            dollars(each.max_cost_usd) if each.max_cost_usd is not None else "",
            str(each.run_id)[:8],
        )
    answers().print(shown)


def asked_for(each: Backfill) -> str:
    """The set and the filters, as they were given."""
    choice = each.options["choice"]
    given = [f"{name} {', '.join(value) if isinstance(value, list) else value}"
             for name, value in choice.items() if value]  # fmt: skip
    return "; ".join([each.options["select"], *given])


def backfill_json(each: Backfill) -> dict[str, Any]:
    """One backfill for a program."""
    told = {name: each.options[name] for name in ("select", "choice", "older_than_days", "limit")}
    shown = asdict(each)
    del shown["options"]
    return {**shown, **told, "standing": standing(each)}
