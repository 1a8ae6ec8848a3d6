"""`navigator recipe`: cuts documents anew beside what is published, compares, exchanges the two."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import Annotated

import typer

from app import recipes
from app.cli.space import GoldenFile
from app.terminal import options
from app.terminal import recipes as printing
from app.terminal.confirmation import confirm
from app.terminal.console import dollars, print_json, quantity, say, tell
from app.terminal.options import Json, Yes
from app.terminal.spaces import asking, comparison_json, print_comparison
from pipeline.chunk_sizes import ChunkSizes
from pipeline.errors import UsageError
from pipeline.settings import load_settings

group = typer.Typer(
    help="Change how documents are cut safely: build beside, compare, switch, roll back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Sizes = Annotated[
    str | None,
    typer.Argument(metavar="SIZES", help="As the list shows them, e.g. 400/50; the only one."),
]


@group.command("list")
def list_(json: Json = False) -> None:
    """Show how documents are cut, what is built beside, and the last switches."""
    found = asyncio.run(recipes.listed(load_settings()))
    if json:
        print_json(printing.recipes_json(found))
    else:
        printing.print_recipes(found)


@group.command()
def build(
    chunk_tokens: Annotated[
        int, typer.Option(min=32, max=8000, help="Largest chunk, in tokens of the embedder.")
    ],
    chunk_overlap: Annotated[
        int | None,
        typer.Option(min=0, help="Tokens repeated of the chunk before; 50 or a third of it."),
    ] = None,
    max_cost: options.MaxCost = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would make, buy and cost.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Cut and embed every published document a second time; readers see none of it.

    It goes on where it was stopped, and buys no text twice.
    """
    settings = load_settings()
    overlap = min(50, chunk_tokens // 3) if chunk_overlap is None else chunk_overlap
    if overlap * 3 > chunk_tokens:
        raise UsageError(
            "The overlap is more than a third of a chunk.", remedy="Give a smaller --chunk-overlap."
        )
    sizes = ChunkSizes(chunk_tokens, overlap)
    plan = asyncio.run(recipes.planned(settings, sizes, store=not dry_run))
    if dry_run and json:
        print_json(printing.recipe_plan_json(plan))
        return
    if not json:
        printing.print_recipe_plan(plan)
    if dry_run:
        tell("Nothing was stored or paid now.")
        return
    if plan.usd and not yes:
        confirm(f"Embed {quantity(plan.texts, 'text')} for about {dollars(plan.usd)}?")
    cap = None if max_cost is None else Decimal(str(max_cost))
    run = asyncio.run(recipes.built(settings, sizes, cap))
    if json:
        print_json(printing.recipe_run_json(run))
    else:
        printing.print_recipe_run(run)
    raise typer.Exit(1 if run.use.lacking else 0)


@group.command()
def compare(sizes: Sizes = None, file: GoldenFile = None, json: Json = False) -> None:
    """Ask the golden questions of what is published and of what is built beside."""
    wanted = _sizes(sizes)
    with asking() as heard:
        found = asyncio.run(recipes.compared(load_settings(), wanted, file, heard))
    if found is None:
        raise UsageError(
            "There are no golden questions.",
            remedy="Add one with `navigator golden add`, or draw some by `navigator golden draw`.",
        )
    if json:
        print_json(comparison_json(found))
    else:
        print_comparison(found)


@group.command()
def switch(
    sizes: Sizes = None,
    file: GoldenFile = None,
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Although the gate refuses it; written down."),
    ] = None,
    json: Json = False,
) -> None:
    """Publish what is built beside, when it is no worse by the golden questions."""
    if force is not None and not force.strip():
        raise UsageError("The reason is empty.", remedy='Write --force "why it is right".')
    wanted = _sizes(sizes)
    with asking() as heard:
        done, found = asyncio.run(recipes.switched(load_settings(), wanted, file, force, heard))
    if json:
        print_json(printing.exchange_json(done))
        return
    if found is not None:
        print_comparison(found)
    printing.print_exchange(done)


@group.command()
def rollback(json: Json = False) -> None:
    """Publish what was published before the last switch; nothing is bought."""
    done = asyncio.run(recipes.rolled_back(load_settings()))
    if json:
        print_json(printing.exchange_json(done))
    else:
        printing.print_exchange(done)


@group.command()
def drop(
    sizes: Annotated[str, typer.Argument(metavar="SIZES", help="As the list shows them.")],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove what is built, or kept, beside what is published."""
    wanted = _sizes(sizes)
    assert wanted is not None, "the argument is required"
    if not yes:
        confirm(
            f"Remove the chunks of {wanted} with their vectors? There is no way back to them but "
            "to pay for the vectors again."
        )
    gone = asyncio.run(recipes.dropped(load_settings(), wanted))
    if json:
        print_json({"sizes": str(wanted), "documents": gone})
    else:
        say(f"Removed what was made of {quantity(gone, 'document')}.")


def _sizes(given: str | None) -> ChunkSizes | None:
    """Sizes as a person names them, ``400/50``."""
    if given is None:
        return None
    tokens, _, overlap = given.partition("/")
    if not (tokens.isdecimal() and overlap.isdecimal() and len(given) < 12):
        raise UsageError(
            f"{given!r} names no sizes.",
            remedy="Write them as `navigator recipe list` does: 400/50.",
        )
    return ChunkSizes(int(tokens), int(overlap))
