"""Prints embedding spaces: what there is, what one would cost, and how two compare."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID

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
)

if TYPE_CHECKING:
    from app.spaces import SpaceList, SpaceView
    from pipeline.store.space_pointer import PastSwitch, StoredSpace, Switch
    from stages.golden.comparison import Comparison
    from stages.golden.scores import Interval
    from stages.recipes.building import RecipeRun
    from stages.spaces.build_runs import SpaceRun
    from stages.spaces.building import SpacePlan


def short(space_id: object) -> str:
    """The start of an id."""
    return str(space_id)[:8]


def state_of(view: SpaceView) -> str:
    """How a space stands, in a word or two."""
    if view.answers:
        return "answers"
    if view.space.state == "retired":
        return "dropped"
    if view.lacking:
        return "building"
    return "kept" if view.space.filled else "not kept"


def print_spaces(found: SpaceList) -> None:
    """Every space and the last switches, for a person."""
    shown = table(
        ("Space", {"no_wrap": True}), "Model", right("Dimensions"), "Stands", right("Vectors"),
        right("Lacks"),
    )  # fmt: skip
    for view in found.spaces:
        space = view.space
        shown.add_row(
            text(short(space.id)), text(f"{space.provider}/{space.model}"),
            number(space.dimension), text(state_of(view)), number(view.use.vectors),
            number(view.lacking) if space.filled else "",
        )  # fmt: skip
    answers().print(shown)
    for view in found.spaces:
        if view.space.note:
            say(f"{short(view.space.id)}: {view.space.note}", "yellow")
    for past in found.switches:
        tell(_past(past))


def _past(past: PastSwitch) -> str:
    why = f": {past.reason}" if past.reason else ""
    return (
        f"{past.created_at:%Y-%m-%d %H:%M} {past.kind} from {short(past.from_space_id)} "
        f"to {short(past.to_space_id)} by {past.who}{why}"
    )


def spaces_json(found: SpaceList) -> dict[str, Any]:
    """The same for a program."""
    return {
        "spaces": [
            space_json(view.space) | {
                "stands": state_of(view), "vectors": view.use.vectors, "lacking": view.lacking,
            } for view in found.spaces
        ],
        "switches": [
            {
                "at": past.created_at, "kind": past.kind, "from": past.from_space_id,
                "to": past.to_space_id, "who": past.who, "reason": past.reason,
            }
            for past in found.switches
        ],
    }  # fmt: skip


def space_json(space: StoredSpace) -> dict[str, Any]:
    """A space for a program."""
    return {
        "id": space.id,
        "provider": space.provider,
        "model": space.model,
        "dimension": space.dimension,
        "addresses": list(space.addresses),
        "note": space.note,
    }


def print_space_plan(plan: SpacePlan) -> None:
    """What building a space would buy, for a person."""
    space, lacking = plan.embedder.space, plan.lacking
    tell(
        f"{space.provider}/{space.model}, {space.dimension} dimensions: "
        f"{quantity(lacking.documents, 'document')} lack vectors; "
        f"{quantity(lacking.texts, 'text')} of about {lacking.tokens:,} tokens would be embedded, "
        f"for about {dollars(plan.usd)}."
    )
    if plan.too_long:
        say(
            f"The longest chunk has {lacking.longest:,} tokens; the model takes "
            f"{plan.model_limit:,}. What is too long for it is not embedded, and its documents "
            "are found by words alone.",
            "yellow",
        )


def plan_json(plan: SpacePlan) -> dict[str, Any]:
    """The same for a program."""
    space, lacking = plan.embedder.space, plan.lacking
    return {
        "id": space.id,
        "provider": space.provider,
        "model": space.model,
        "dimension": space.dimension,
        "documents": lacking.documents,
        "texts": lacking.texts,
        "tokens": lacking.tokens,
        "cost_usd": plan.usd,
        "longest_tokens": lacking.longest,
        "model_limit_tokens": plan.model_limit,
    }


def print_run(run: SpaceRun) -> None:
    """What came of building a space, for a person."""
    name = short(run.space_id)
    tell(f"The space {name}: {quantity(run.texts, 'text')} embedded for {dollars(run.usd)}.")
    print_rest(run, run.left, f"navigator space compare {name}")


def print_rest(run: SpaceRun | RecipeRun, lacking: int, compare: str) -> None:
    """What a build beside what is published was refused, why it stopped, and what it lacks."""
    for reason, count in run.refused.items():
        say(f"{quantity(count, 'text')} refused: {reason}", "yellow")
    if run.stopped is not None:
        say(f"{run.stopped.message} {run.stopped.remedy}".strip(), "yellow")
    if lacking:
        say(f"It lacks {quantity(lacking, 'document')}: the same command goes on.")
    else:
        say(f"It is whole. `{compare}` asks both the golden questions.")


def run_json(run: SpaceRun) -> dict[str, Any]:
    """The same for a program."""
    return {
        "id": run.space_id,
        "run_id": run.run_id,
        "texts": run.texts,
        "lacking": run.left,
        "cost_usd": run.usd,
        "refused": dict(run.refused),
        "stopped": run.stopped.message if run.stopped else None,
    }


@contextmanager
def asking() -> Iterator[Callable[[], Awaitable[None]]]:
    """Show how many questions were asked of both spaces."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    bar = Progress(
        TextColumn("Asking"), BarColumn(), MofNCompleteColumn(),
        console=notes(), transient=True, disable=not notes().is_terminal,
    )  # fmt: skip
    task = bar.add_task("", total=None)

    async def heard() -> None:
        bar.advance(task)

    with bar:
        yield heard


def print_comparison(compared: Comparison) -> None:
    """Two spaces beside each other, for a person."""
    before, after = compared.before, compared.after
    shown = table("", right("Answers now"), right("Beside"), right("Gained"), "95 % interval")
    for name, old, new, gained in (
        ("nDCG@10", before.ndcg, after.ndcg, compared.ndcg),
        ("Recall@10", before.recall, after.recall, compared.recall),
    ):
        shown.add_row(
            name, f"{old.mean:.3f}", f"{new.mean:.3f}", f"{gained.mean:+.3f}", _within(gained)
        )
    for name, old_seconds, new_seconds in (
        ("Median answer, ms", before.median_seconds, after.median_seconds),
        ("95 % within, ms", before.slow_seconds, after.slow_seconds),
    ):
        shown.add_row(name, f"{1000 * old_seconds:.0f}", f"{1000 * new_seconds:.0f}", "", "")
    shown.add_row("Questions' cost", dollars(before.usd), dollars(after.usd), "", "")
    answers().print(shown)
    for what, questions in (("Lost", compared.lost), ("Won", compared.won)):
        for each in questions:
            tell(f"{what}: {each.question}")
    tell(
        f"{quantity(compared.questions, 'question')}; "
        f"{len(compared.lost)} lost, {len(compared.won)} won."
    )
    if compared.lacking:
        say(f"The space beside lacks {quantity(compared.lacking, 'document')}.", "yellow")


def _within(gained: Interval) -> str:
    return f"{gained.low:+.3f} to {gained.high:+.3f}"


def comparison_json(compared: Comparison) -> dict[str, Any]:
    """The same for a program."""
    return compared.figures() | {
        "lost": [{"id": each.id, "question": each.question} for each in compared.lost],
        "won": [{"id": each.id, "question": each.question} for each in compared.won],
    }


def print_switch(made: Switch) -> None:
    """A switch that was made, for a person."""
    now, before = short(made.to_space_id), short(made.from_space_id)
    tell(f"The space {now} answers questions now.")
    say(
        f"{before} is kept, and what is published gets into both: `navigator space rollback` goes "
        f"back at once, `navigator space drop {before}` ends it."
    )


def switch_json(made: Switch) -> dict[str, Any]:
    """The same for a program."""
    return {
        "kind": made.kind,
        "from": made.from_space_id,
        "to": made.to_space_id,
        "who": made.who,
        "reason": made.reason,
        "comparison": made.comparison,
    }


def handed_json(space_id: UUID, flow_run_id: UUID) -> dict[str, Any]:
    """A build that a worker does, for a program."""
    return {"id": space_id, "flow_run_id": flow_run_id}


def dropped_json(space_id: UUID, vectors: int) -> dict[str, Any]:
    """A space that was dropped, for a program."""
    return {"id": space_id, "vectors": vectors}
