"""`navigator`: the command line. Each command reads its options, calls, and prints."""

from __future__ import annotations

import asyncio
import warnings
from decimal import Decimal
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app import options
from app.options import Json, User

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
    from app import ingesting, run_report
    from app.console import print_json

    request = ingesting.IngestRequest(
        paths, user, tag or (), parser, embedder, batch_size, concurrency,
        Decimal(str(max_cost)) if max_cost is not None else None, sync,
    )  # fmt: skip
    report, found = ingesting.ingest(request)
    if json:
        print_json(run_report.as_json(report, found.skipped))
    else:
        run_report.print_report(report)
    raise typer.Exit(0 if report.all_fine else 1)


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
