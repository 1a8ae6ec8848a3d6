"""Prints recipes: what there is, what one would cost, and what an exchange did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.terminal.console import (
    answers,
    dollars,
    number,
    quantity,
    right,
    say,
    table,
    tell,
    text,
)
from app.terminal.spaces import print_rest

if TYPE_CHECKING:
    from app.recipes import RecipeList
    from pipeline.store.recipes import PastSwitch, RecipeUse
    from stages.recipes.building import RecipePlan, RecipeRun
    from stages.recipes.switching import Exchanged


def stands(use: RecipeUse) -> str:
    """How a recipe stands, in a word."""
    return "building" if use.lacking else "whole"


def print_recipes(found: RecipeList) -> None:
    """How documents are cut, every recipe beside, and the last switches, for a person."""
    shown = table(
        ("Chunks", {"no_wrap": True}), "Stands", right("Documents"), right("Chunks"),
        right("Tokens"), right("Lacks"), right("Refused"),
    )  # fmt: skip
    shown.add_row(text(str(found.now)), "is published", "", "", "", "", "")
    for recipe, use in found.beside:
        shown.add_row(
            text(str(recipe.sizes)), stands(use), number(use.documents), number(use.chunks),
            number(use.tokens), number(use.lacking), number(use.refused),
        )  # fmt: skip
    answers().print(shown)
    for past in found.switches:
        tell(_past(past))


def _past(past: PastSwitch) -> str:
    why = f": {past.reason}" if past.reason else ""
    return (
        f"{past.created_at:%Y-%m-%d %H:%M} {past.kind} from "
        f"{past.from_tokens}/{past.from_overlap_tokens} to {past.to_tokens}/"
        f"{past.to_overlap_tokens}, {quantity(past.documents, 'document')}, by {past.who}{why}"
    )


def recipes_json(found: RecipeList) -> dict[str, Any]:
    """The same for a program."""
    return {
        "published": str(found.now),
        "recipes": [
            {
                "sizes": str(recipe.sizes), "chunker": recipe.chunker, "stands": stands(use),
                "documents": use.documents, "chunks": use.chunks, "tokens": use.tokens,
                "lacking": use.lacking, "refused": use.refused,
            }
            for recipe, use in found.beside
        ],
        "switches": [
            {
                "at": past.created_at, "kind": past.kind,
                "from": f"{past.from_tokens}/{past.from_overlap_tokens}",
                "to": f"{past.to_tokens}/{past.to_overlap_tokens}",
                "documents": past.documents, "who": past.who, "reason": past.reason,
            }
            for past in found.switches
        ],
    }  # fmt: skip


def print_recipe_plan(plan: RecipePlan) -> None:
    """What building a recipe would buy, for a person."""
    tell(
        f"Chunks of {plan.recipe.sizes}: {quantity(plan.documents, 'document')} cut into "
        f"{quantity(plan.chunks, 'chunk')}; {quantity(plan.texts, 'text')} of {plan.tokens:,} "
        f"tokens lack a vector, for about {dollars(plan.usd)}."
    )
    for reason, count in plan.refused.items():
        say(f"{quantity(count, 'document')} refused: {reason}", "yellow")


def recipe_plan_json(plan: RecipePlan) -> dict[str, Any]:
    """The same for a program."""
    return {
        "sizes": str(plan.recipe.sizes),
        "documents": plan.documents,
        "chunks": plan.chunks,
        "texts": plan.texts,
        "tokens": plan.tokens,
        "cost_usd": plan.usd,
        "refused": dict(plan.refused),
    }


def print_recipe_run(run: RecipeRun) -> None:
    """What came of building a recipe, for a person."""
    sizes, use = run.recipe.sizes, run.use
    tell(
        f"Chunks of {sizes}: {quantity(run.texts, 'text')} embedded for {dollars(run.usd)}; "
        f"{quantity(use.chunks, 'chunk')} of {quantity(use.documents, 'document')} are there."
    )
    print_rest(run, use.lacking, f"navigator recipe compare {sizes}")


def recipe_run_json(run: RecipeRun) -> dict[str, Any]:
    """The same for a program."""
    return {
        "sizes": str(run.recipe.sizes),
        "run_id": run.run_id,
        "texts": run.texts,
        "documents": run.use.documents,
        "chunks": run.use.chunks,
        "lacking": run.use.lacking,
        "cost_usd": run.usd,
        "refused": dict(run.refused),
        "stopped": run.stopped.message if run.stopped else None,
    }


def print_exchange(done: Exchanged) -> None:
    """An exchange that was made, for a person."""
    made = done.made
    tell(
        f"{quantity(done.documents, 'document')} are published in chunks of {made.after.sizes} "
        "now, and new ones are cut so."
    )
    if done.left:
        say(
            f"{quantity(done.left, 'document')} stay as they were: `navigator backfill --select "
            "outdated --everyone` makes them anew.",
            "yellow",
        )
    say(
        f"Those of {made.before.sizes} are kept: `navigator recipe rollback` brings them back and "
        f"buys nothing, `navigator recipe drop {made.before.sizes}` removes them."
    )


def exchange_json(done: Exchanged) -> dict[str, Any]:
    """The same for a program."""
    made = done.made
    return {
        "kind": made.kind,
        "from": str(made.before.sizes),
        "to": str(made.after.sizes),
        "documents": done.documents,
        "left": done.left,
        "who": made.who,
        "reason": made.reason,
        "comparison": made.comparison,
    }
