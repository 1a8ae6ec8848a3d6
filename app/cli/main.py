"""`navigator`: dispatches to its commands, and turns errors into exit codes."""

from __future__ import annotations

import warnings
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.main import get_command_from_info, get_group
from typer.models import CommandInfo

from app.process.exit import leave_soon
from app.process.startup import start_process

COMMANDS = {
    "ingest": "Take files, folders or globs to published, searchable documents.",
    "plan": "Say what an ingest would do and cost, without doing it.",
    "source": "Read buckets, folders and mailboxes on a schedule.",
    "search": "Find the passages that answer a question.",
    "status": "Show how the corpus stands, or the whole history of one document.",
    "list": "List documents with their state, version, pages, chunks and tags.",
    "page": "Show what was read of one page, with its notes, and its picture.",
    "report": "Write the data-quality report and open it on a desktop.",
    "suites": "Show the gate's rules, or export them as Great Expectations has them",
    "alerts": "Show alerts, and acknowledge or close them.",
    "costs": "Show what was spent, by day, service, user, source, document or run; as CSV too.",
    "review": "Work off what the quality gate quarantined or warned of.",
    "incidents": "Show incidents with their course, close them, and draft the report on one.",
    "retry": "Try failed documents again, from their last good state.",
    "resume": "Go on with what a cap, an exhausted quota or a person stopped.",
    "backfill": "Take documents up again: failed, outdated, by source, tag, date, pipeline, suite.",
    "space": "Change the embedding model safely: build beside, compare, switch, roll back.",
    "recipe": "Change how documents are cut safely: build beside, compare, switch, roll back.",
    "chunking": "Show how large chunks are, and change it for every process.",
    "golden": "Keep the questions by which embedding spaces are compared.",
    "acknowledge": "Let known failures be: runs with the same files end well.",
    "delete": "Delete documents with everything made of them.",
    "erase": "Erase a user: documents, files, runs and reports.",
    "hold": "Keep documents from being deleted, by anybody, until a hold is lifted.",
    "retention": "Delete documents some time after their newest version, by rules.",
    "evidence": "Export what shows that the controls for privacy and compliance work.",
    "doctor": "Try every part of the set-up, show the protections in force; say how to mend it.",
    "drift": "Compare an environment with what its file declares; exit 1 when drift is left.",
    "watch": "Show figures, what is unusual, and what is to be expected; keep what was read off.",
    "reconcile": "Compare storage, database, ledger and Prefect; exit 1 when something is left.",
    "index": "Show the indexes for words and vectors, build them, or build them anew.",
    "reset": "Empty the local default: documents, vectors, runs and reports. Asks first.",
    "models": "Install better local models, choose one, and show what each costs.",
    "api": "Serve the HTTP API.",
    "mcp": "Let assistants search and read the corpus (Model Context Protocol).",
    "token": "Print a token for the HTTP API.",
    "dashboard": "Print a link to the dashboard that signs in.",
    "env": "Show environments, compare two, and check whether one is as it says.",
    "up": "Run the whole system here: database, Prefect, API, dashboard, worker.",
    "down": "Stop what `navigator up` runs, from another terminal, and what commands left running.",
    "check": "Send a small document through everything that runs, and remove it again.",
    "baseline": "Record what an environment that works is like, for `navigator verify`.",
    "verify": "Hold an environment against a baseline: structure, services, canaries, times.",
    "compare": "Send the same documents through two environments, releases or providers.",
    "load": "Put many times the local load on what runs, and say what held.",
    "worker": "Run what Prefect schedules, warm.",
    "seed": "Take in the samples, so that there is something to look at.",
    "backup": "Save the local database and the stored files to one file.",
    "restore": "Fill an empty home from a backup, and compare it with what was saved.",
    "mocks": "Stand in for OpenAI and LlamaParse.",
    "logs": "Tell what happened to one document, job or request.",
    "release": "Make a release of a checkout: one file with code, lock, versions and baseline.",
    "deploy": "Deploy a release: migrate, change, verify; what does not hold is rolled back by "
    "itself.",
    "releases": "Show the deployments to an environment: release, time, who, and how each ended.",
    "rollback": "Go back to the release that was verified before, or finish what a dead deployment "
    "left.",
    "promote": "Deploy to one environment what was verified in another: the same file, nothing "
    "else.",
    "shadow": "Try a release on a share of the new documents, without publishing what it makes.",
    "chaos": "Break an installation made for it, and show that nothing is lost.",
}
"""What each command does, for `--help`; the command itself is `command` in `app/cli/NAME.py`, or
`group` there, when it has commands of its own (`navigator source add`)."""


class _Commands(TyperGroup):
    """Imports a command's module only when that command is asked for."""

    def list_commands(self, ctx: Any) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"app.cli.{cmd_name}")
        if isinstance(group := getattr(module, "group", None), typer.Typer):
            group.info.name = cmd_name
            return get_group(group)
        return get_command_from_info(
            CommandInfo(name=cmd_name, callback=module.command),
            pretty_exceptions_short=False,
            rich_markup_mode=None,
        )

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: Any) -> Any:
        from app.terminal import errors

        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            code = errors.report_interruption()
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if type(error).__module__.startswith("typer"):
                errors.report_wrong_options(error)
                raise  # wrong options: Typer says which, and how it is used
            code = errors.report_error(error)
        raise typer.Exit(code)


app = typer.Typer(
    name="navigator",
    cls=_Commands,
    help="Insurance documents to a searchable, quality-gated corpus.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main() -> None:
    """Run the command that the arguments name, and exit with its code."""
    warnings.simplefilter("ignore")
    start_process()
    try:
        app(prog_name="navigator")
    except SystemExit as ended:
        leave_soon(ended.code)
        raise


def _print_version(asked: bool) -> None:
    if asked:
        from app.version import program_version

        typer.echo(f"navigator {program_version()}")
        raise typer.Exit


@app.callback()
def navigator(
    ctx: typer.Context,
    env_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Read settings from this file. [NAVIGATOR_ENV_FILE]"),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Be of this environment, wholly. [NAVIGATOR_ENVIRONMENT]"
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    """Insurance documents to a searchable, quality-gated corpus."""
    from app.prefect.block_server import know_server
    from app.process.environment import settle
    from blocks.saved_blocks import once_before_loading

    settle(env_file, environment, ctx.invoked_subcommand)
    ctx.call_on_close(once_before_loading(know_server))
