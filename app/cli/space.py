"""`navigator space`: builds, compares and switches embedding spaces."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app import spaces
from app.terminal import options
from app.terminal import spaces as printing
from app.terminal.confirmation import confirm
from app.terminal.console import dollars, print_json, quantity, say, tell
from app.terminal.options import Json, Yes
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from stages.golden.comparison import Comparison
    from stages.spaces.space_settings import SpaceSettings

group = typer.Typer(
    help="Change the embedding model safely: build beside, compare, switch, roll back.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
Space = Annotated[
    str | None,
    typer.Argument(metavar="SPACE", help="The start of its id, or its model's name."),
]
GoldenFile = Annotated[
    Path | None,
    typer.Option("--file", metavar="FILE", help="Golden questions. [NAVIGATOR_GOLDEN_QUESTIONS]"),
]


@group.command("list")
def list_(json: Json = False) -> None:
    """Show every space, which one answers, and the last switches."""
    found = asyncio.run(spaces.listed(load_settings()))
    if json:
        print_json(printing.spaces_json(found))
    else:
        printing.print_spaces(found)


@group.command()
def build(
    embedder: options.Embedder = None,
    model: Annotated[str | None, typer.Option(help="The model's name.")] = None,
    dimension: Annotated[
        int | None, typer.Option(min=1, max=4000, help="Of its vectors; a known model's own.")
    ] = None,
    base_url: Annotated[
        str | None, typer.Option(metavar="URL", help="A server that speaks OpenAI's API.")
    ] = None,
    api_key: Annotated[
        str | None,
        typer.Option(metavar="WHERE", help="Its key: env:NAME or file:/PATH; never a secret."),
    ] = None,
    onnx_folder: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="model.onnx and tokenizer.json.")
    ] = None,
    price: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="Of a million tokens.")
    ] = None,
    max_cost: options.MaxCost = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would buy and cost.")
    ] = False,
    deployed: Annotated[
        bool, typer.Option("--deployed", help="Have a worker of the Prefect server do it.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Embed every published document in a second space; the first goes on answering.

    Without options it is the model that the settings name. It goes on where it was stopped.
    """
    settings = load_settings()
    wanted = _wanted(settings, embedder, model, dimension, base_url, api_key, onnx_folder, price)
    plan = asyncio.run(spaces.planned(settings, wanted))
    if plan.answers:
        raise UsageError(
            "This model is the one that answers already: there is nothing to build.",
            remedy="Name another with --embedder, --model, --dimension or --base-url.",
        )
    if dry_run and json:
        print_json(printing.plan_json(plan))
        return
    if not json:
        printing.print_space_plan(plan)
    if dry_run:
        tell("Nothing was stored or paid now.")
        return
    if plan.usd and not yes:
        confirm(f"Embed {quantity(plan.lacking.texts, 'text')} for about {dollars(plan.usd)}?")
    space = asyncio.run(spaces.begun(settings, wanted))
    cap = None if max_cost is None else Decimal(str(max_cost))
    if deployed:
        flow_run = spaces.hand_over(settings, space, cap)
        if json:
            print_json(printing.handed_json(space, flow_run))
        else:
            tell(f"A worker does it: the space {printing.short(space)}, flow run {flow_run}.")
        return
    from app.terminal.run_view import TerminalView

    run = spaces.build_here(settings, space, cap, TerminalView())
    if json:
        print_json(printing.run_json(run))
    else:
        printing.print_run(run)
    raise typer.Exit(1 if run.left else 0)


def _wanted(
    settings: Settings,
    embedder: str | None,
    model: str | None,
    dimension: int | None,
    base_url: str | None,
    api_key: str | None,
    onnx_folder: Path | None,
    price: float | None,
) -> SpaceSettings:
    """How the space's embedder is opened: what is given, over what the settings say."""
    from pipeline.secret_references import require_reference
    from stages.spaces.space_settings import SpaceSettings, settings_of

    own = settings_of(settings)
    remote = any(each is not None for each in (model, dimension, base_url, api_key, price))
    name = embedder or ("onnx" if onnx_folder else "openai" if remote else None)
    if name is None:
        return own
    if name == "onnx":
        folder = onnx_folder or settings.onnx_folder
        if folder is None:
            raise UsageError(
                "The folder of the ONNX model is not given.", remedy="Add --onnx-folder FOLDER."
            )
        return SpaceSettings(embedder=name, onnx_folder=folder.expanduser().absolute())
    if name != "openai":
        return SpaceSettings(embedder=name)
    chosen = model or settings.embedding_model
    kept = settings.embedding_dimension if chosen == settings.embedding_model else None
    return SpaceSettings(
        embedder=name,
        embedding_model=chosen,
        embedding_dimension=dimension or kept,
        openai_base_url=base_url or settings.openai_base_url,
        api_key=require_reference(api_key) if api_key else None,
        embedding_usd_per_million_tokens=None if price is None else Decimal(str(price)),
    )


@group.command()
def compare(space: Space = None, file: GoldenFile = None, json: Json = False) -> None:
    """Ask the golden questions of the space that answers and of another."""
    settings = load_settings()
    with printing.asking() as heard:
        found = asyncio.run(spaces.compared(settings, space, file, heard))
    if found is None:
        raise UsageError(
            "There are no golden questions.",
            remedy="Add one with `navigator golden add`, or draw some by `navigator golden draw`.",
        )
    if json:
        print_json(printing.comparison_json(found))
    else:
        printing.print_comparison(found)


@group.command()
def switch(
    space: Space = None,
    file: GoldenFile = None,
    force: Annotated[
        str | None,
        typer.Option(metavar="REASON", help="Although the gate refuses it; written down."),
    ] = None,
    json: Json = False,
) -> None:
    """Have another space answer, when it is no worse by the golden questions."""
    if force is not None and not force.strip():
        raise UsageError("The reason is empty.", remedy='Write --force "why it is right".')
    settings = load_settings()
    with printing.asking() as heard:
        made, found = asyncio.run(spaces.switched(settings, space, file, force, heard))
    if json:
        print_json(printing.switch_json(made))
        return
    _show(found)
    printing.print_switch(made)


def _show(found: Comparison | None) -> None:
    if found is not None:
        printing.print_comparison(found)


@group.command()
def rollback(json: Json = False) -> None:
    """Have the space answer that answered before the last switch, at once."""
    made = asyncio.run(spaces.rolled_back(load_settings()))
    if json:
        print_json(printing.switch_json(made))
    else:
        printing.print_switch(made)


@group.command()
def drop(
    space: Annotated[
        str, typer.Argument(metavar="SPACE", help="The start of its id, or its model's name.")
    ],
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Remove a space that does not answer, with all its vectors."""
    settings = load_settings()
    found = asyncio.run(spaces.one_space(settings, space))
    if not yes:
        confirm(
            f"Remove the space {printing.short(found.id)} ({found.provider}/{found.model}, "
            f"{found.dimension} dimensions) with all its vectors? There is no way back to it but "
            "to pay for them again."
        )
    gone = asyncio.run(spaces.dropped(settings, found))
    if json:
        print_json(printing.dropped_json(found.id, gone.vectors))
    else:
        say(f"Removed {quantity(gone.vectors, 'vector')}; what is published gets there no more.")
