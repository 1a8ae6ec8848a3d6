"""`navigator`: the command line, and the one place where an error becomes an exit code."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from app.commands import change, chaos, logs, look, mocks, saving, serve, stack, upkeep, work
from app.process.exit import leave_soon
from pipeline.private_files import keep_private
from pipeline.process_privacy import hide_this_process

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
        from app.terminal import errors as failures

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
    keep_private()
    hide_this_process()
    try:
        app(prog_name="navigator")
    except SystemExit as ended:
        leave_soon(ended.code)
        raise


@app.callback(cls=_Group)
def navigator(
    ctx: typer.Context,
    env_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Read settings from this file. [NAVIGATOR_ENV_FILE]"),
    ] = None,
) -> None:
    """Insurance documents to a searchable, quality-gated corpus."""
    from app.prefect.block_server import know_server
    from app.process.environment import settle
    from blocks.saved_blocks import once_before_loading

    settle(env_file)
    ctx.call_on_close(once_before_loading(know_server))


for _part in (work, look, change, upkeep, serve, stack, saving, mocks, logs, chaos):
    app.add_typer(_part.group)
