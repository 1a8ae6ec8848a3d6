"""`navigator`: the command line. Each command reads its options, calls, and prints."""

from __future__ import annotations

import asyncio
import sys
import warnings
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from app import options
from app.options import Json, User

if TYPE_CHECKING:
    from app.ingesting import IngestRequest
    from app.run_report import RunReport

app = typer.Typer(
    name="navigator",
    help="Insurance documents to a searchable, quality-gated corpus.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


class _Group(TyperGroup):
    """The one place where an error becomes a sentence and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        from app import failures

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            code = failures.report_interruption()
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer"):
                raise  # wrong options: Typer says which, and how it is used
            code = failures.report_error(error)
        raise typer.Exit(code)


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    warnings.simplefilter("ignore")
    app(prog_name="navigator")


@app.callback(cls=_Group)
def navigator() -> None:
    """Insurance documents to a searchable, quality-gated corpus."""


@app.command()
def ingest(
    paths: options.Paths,
    user: User = None,
    parser: options.Parser = None,
    embedder: options.Embedder = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Documents in a subflow.")
    ] = None,
    concurrency: Annotated[
        int | None, typer.Option(min=1, max=64, help="Subflows at a time.")
    ] = None,
    tag: options.Tags = None,
    max_cost: Annotated[
        float | None, typer.Option(min=0, metavar="USD", help="Stop before spending more.")
    ] = None,
    sync: Annotated[
        bool, typer.Option("--sync", help="Delete documents whose files are gone.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what it would do, as `plan`.")
    ] = False,
    json: Json = False,
) -> None:
    """Take files, folders or globs to published, searchable documents."""
    from app import ingesting

    request = ingesting.IngestRequest(
        paths, user, tag or (), parser, embedder, batch_size, concurrency,
        Decimal(str(max_cost)) if max_cost is not None else None, sync,
    )  # fmt: skip
    if dry_run:
        _plan(request, json)
        return
    report, found = ingesting.ingest(request)
    _print_run(report, found.skipped, json)
    raise typer.Exit(0 if report.all_fine else 1)


def _plan(request: IngestRequest, json: bool) -> None:
    from app import planning
    from app.console import print_json

    made, found = asyncio.run(planning.plan(request))
    if json:
        print_json(planning.as_json(made, found))
    else:
        planning.print_plan(made, found)


@app.command()
def plan(
    paths: options.Paths,
    user: User = None,
    parser: options.Parser = None,
    embedder: options.Embedder = None,
    sync: Annotated[bool, typer.Option("--sync", help="Count what --sync would delete.")] = False,
    json: Json = False,
) -> None:
    """Say what an ingest would do and cost, without doing it."""
    from app.ingesting import IngestRequest

    _plan(IngestRequest(paths, user, (), parser, embedder, sync=sync), json)


@app.command()
def search(
    question: Annotated[str, typer.Argument(help="In your own words.")],
    mode: options.Mode = "hybrid",
    limit: options.Limit = 5,
    user: User = None,
    document: Annotated[str | None, typer.Option(help="Only in this document.")] = None,
    tag: options.Tags = None,
    json: Json = False,
) -> None:
    """Find the passages that answer a question."""
    from app import searching
    from app.console import print_json
    from pipeline.settings import load_settings

    request = searching.SearchRequest(question, mode, limit, user, document, tag or ())
    answer = asyncio.run(searching.search(request, load_settings()))
    if json:
        print_json(searching.as_json(request, answer))
    else:
        searching.print_answer(request, answer)


@app.command()
def status(
    document: Annotated[
        str | None, typer.Argument(help="A path, a name, or the start of an id; or a run's id.")
    ] = None,
    user: User = None,
    json: Json = False,
) -> None:
    """Show how the corpus stands, or the whole story of one document."""
    from app import inspecting, run_report, telling
    from app.console import print_json
    from pipeline.settings import load_settings

    if document is None:
        shown = asyncio.run(inspecting.overview(load_settings(), user))
        if json:
            print_json(inspecting.overview_json(shown))
        else:
            inspecting.print_overview(shown)
        return
    told = asyncio.run(telling.story(load_settings(), user, document))
    if isinstance(told, run_report.RunReport):
        _print_run(told, {}, json)
    elif json:
        print_json(telling.story_json(told))
    else:
        telling.print_story(told)


@app.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="published, failed, waiting, or an exact state.")
    ] = None,
    tag: options.Tags = None,
    limit: options.Limit = 100,
    user: User = None,
    json: Json = False,
) -> None:
    """List documents with their state, version, pages, chunks and tags."""
    from app import inspecting
    from app.console import print_json
    from pipeline.settings import load_settings

    shown = asyncio.run(inspecting.listing(load_settings(), user, state, tag or (), limit))
    if json:
        print_json(inspecting.listing_json(shown))
    else:
        inspecting.print_listing(shown)


@app.command()
def retry(
    documents: Annotated[
        list[str] | None, typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="All that failed.")] = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Try failed documents again, from their last good state."""
    from app import changing
    from app.console import print_json, tell
    from pipeline.settings import load_settings

    report = changing.retry(load_settings(), user, documents or (), all_failed=failed)
    if report is not None:
        _print_run(report, {}, json)
        raise typer.Exit(0 if report.all_fine else 1)
    if json:
        print_json({"documents": []})
    else:
        tell("No document has failed: nothing to retry.")


@app.command()
def delete(
    documents: Annotated[
        list[str], typer.Argument(metavar="DOCUMENT", help="Paths, names or ids.")
    ],
    yes: options.Yes = False,
    user: User = None,
    json: Json = False,
) -> None:
    """Delete documents with everything made of them."""
    from app import changing
    from app.console import print_json, quantity, tell
    from pipeline.settings import load_settings

    settings = load_settings()
    found = asyncio.run(changing.chosen(settings, user, documents))
    if not yes:
        changing.list_for_deletion(found)
        _ask(f"Delete {quantity(len(found), 'document')} for good?")
    done = asyncio.run(changing.delete(settings, found))
    if json:
        print_json({"deleted": sorted(map(str, done.documents)), "chunks": done.chunks})
    else:
        count = quantity(len(done.documents), "document")
        tell(f"Deleted {count} with {quantity(done.chunks, 'passage')}.")


@app.command()
def report(
    run: Annotated[
        str | None, typer.Option(help="One run: the start of its id, or `last`. Else over time.")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to put it.")] = None,
    open_it: Annotated[
        bool, typer.Option("--open/--no-open", help="Open it, where there is a desktop.")
    ] = True,
    user: User = None,
    json: Json = False,
) -> None:
    """Write the data-quality report, an HTML page, and open it on a desktop."""
    from app import reporting
    from app.console import print_json, tell_path
    from pipeline.settings import load_settings

    path = asyncio.run(reporting.report(load_settings(), user, run, output))
    if json:
        print_json({"report": str(path)})
    else:
        tell_path("The quality report is", path)
    if open_it and not json and reporting.has_desktop():
        reporting.show(path)


@app.command()
def doctor(json: Json = False) -> None:
    """Try every part of the set-up, and say how to mend what does not work."""
    from app import doctor as doctoring
    from app.console import print_json

    findings = asyncio.run(doctoring.examine())
    if json:
        print_json(doctoring.as_json(findings))
    else:
        doctoring.print_findings(findings)
    raise typer.Exit(0 if doctoring.fine(findings) else 1)


@app.command()
def reset(yes: options.Yes = False) -> None:
    """Empty the local default: documents, vectors, runs and reports. Asks first."""
    from app import resetting
    from app.console import say, tell
    from pipeline.settings import load_settings

    settings = load_settings()
    folders = resetting.existing(settings)
    if not folders:
        tell(f"There is nothing in {settings.home}.")
        return
    if not yes:
        for folder in folders:
            say(f"  {folder}")
        megabytes = resetting.size(folders) / 1_000_000
        _ask(f"Remove these folders with everything in them ({megabytes:,.0f} MB)?")
    resetting.reset(settings)
    tell(f"Emptied {settings.home}.")


def _print_run(report: RunReport, skipped: dict[str, int], json: bool) -> None:
    from app import run_report
    from app.console import print_json

    if json:
        print_json(run_report.as_json(report, skipped))
    else:
        run_report.print_report(report)


def _ask(question: str) -> None:
    """Go on only after a yes.

    Raises:
        UsageError: nobody is there to answer.
        Exit: the answer is no.
    """
    from app.console import tell
    from pipeline.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError(
            f"{question} Nobody is there to answer.", remedy="Give --yes to go on without asking."
        )
    if not typer.confirm(question):
        tell("Nothing was changed.")
        raise typer.Exit(0)
