"""`navigator mocks`: runs the mock servers in the foreground, with what to export."""

from __future__ import annotations

import asyncio
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.process.log_output import configure_logs
from app.terminal.console import answers, number, say, table, tell, text
from mocks.faults import read_script
from mocks.instance import server
from mocks.llamaparse_settings import LlamaParseSettings
from mocks.openai import OpenAISettings
from mocks.stopping import until_asked_to_stop
from pipeline.errors import ConfigurationError
from pipeline.settings import load_settings

if TYPE_CHECKING:
    from rich.table import Table

    from mocks.server import MockServer

# What the real services take, roughly: a request for embeddings, a job, and each of its pages.
EMBEDDING_SECONDS = 0.3
JOB_SECONDS, PAGE_SECONDS = 2.0, 1.0
REFRESH_SECONDS = 1.0


@dataclass(frozen=True)
class MocksOptions:
    """How the mock servers shall run; `speed` is how many times faster than the real services."""

    host: str
    port: int
    faults: Path | None
    speed: float
    openai_key: str | None
    llamaparse_key: str | None
    webhook_hosts: str


def serve(options: MocksOptions) -> None:
    """Serve until Ctrl-C or SIGTERM.

    Raises:
        ConfigurationError: the fault script cannot be read, or the address is taken.
    """
    with suppress(ConfigurationError):  # the mock servers themselves need no settings
        configure_logs(load_settings(), "mocks", console=False)
    asyncio.run(_serve(options))


async def _serve(options: MocksOptions) -> None:
    mock = server(
        OpenAISettings(EMBEDDING_SECONDS / options.speed, options.openai_key),
        LlamaParseSettings(
            job_seconds=JOB_SECONDS,
            page_seconds=PAGE_SECONDS,
            time_scale=1 / options.speed,
            api_key=options.llamaparse_key,
            webhook_hosts=options.webhook_hosts,
        ),
    )
    _load(mock, options.faults)
    try:
        port = await mock.start(options.host, options.port)
    except OSError as problem:
        raise ConfigurationError(
            f"The mock servers cannot listen at {options.host}:{options.port} "
            f"({problem.strerror}).",
            remedy="Stop what listens there, or name another port with --port.",
        ) from None
    address = f"http://{options.host}:{port}"
    _tell_how(options, address)
    try:
        await _show_until_stopped(mock, address)
    finally:
        await mock.stop()
    say("The mock servers have stopped.")


def _load(mock: MockServer, path: Path | None) -> None:
    if path is None:
        return
    try:
        mock.load_faults(read_script(path.read_bytes()))
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise ConfigurationError(
            f"The fault script {path} cannot be used: {reason}.",
            remedy="mocks/faults.example.yaml shows what a fault script looks like.",
        ) from None


def _tell_how(options: MocksOptions, address: str) -> None:
    tell("To use them, in another terminal:")
    for line in (
        f"export OPENAI_BASE_URL={address}/v1 OPENAI_API_KEY={options.openai_key or 'sk-mock'}",
        f"export LLAMA_CLOUD_BASE_URL={address} NAVIGATOR_PARSER=llamaparse",
        f"export LLAMA_CLOUD_API_KEY={options.llamaparse_key or 'llx-mock'}",
    ):
        answers().print(f"  {line}", markup=False, soft_wrap=True)
    tell(f"Counters and faults: {address}/__mock/stats and /__mock/faults. Ctrl-C stops them.")


async def _show_until_stopped(mock: MockServer, address: str) -> None:
    stopping = asyncio.create_task(until_asked_to_stop())
    live = _live(_table(mock.stats(), address))
    with live or nullcontext():
        while not stopping.done():
            await asyncio.wait({stopping}, timeout=REFRESH_SECONDS if live else None)
            if live:
                live.update(_table(mock.stats(), address), refresh=True)


def _live(shown: Table) -> Any:
    if not answers().is_terminal:
        answers().print(shown)
        return None
    from rich.live import Live

    return Live(shown, console=answers(), auto_refresh=False)


def _table(stats: dict[str, Any], address: str) -> Table:
    shown = table("service", "address", "so far")
    openai, parse, hooks = stats["openai"], stats["llamaparse"], stats["llamaparse"]["webhooks"]
    rules = [rule for rule in stats["faults"] if rule["fired"]]
    shown.add_row(
        "OpenAI",
        text(f"{address}/v1"),
        f"{number(openai['requests'])} requests, {number(openai['billed_tokens'])} tokens",
    )
    shown.add_row(
        "LlamaParse",
        text(address),
        f"{number(parse['jobs'])} jobs, {number(hooks['delivered'])} webhooks",
    )
    fired = sum(rule["fired"] for rule in rules)
    shown.add_row("faults", "", f"{len(stats['faults'])} rules, {number(fired)} times")
    return shown


def command(
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any free one.")] = 8010,
    faults: Annotated[
        Path | None, typer.Option(metavar="FILE", help="A fault script, YAML or JSON.")
    ] = None,
    speed: Annotated[
        float, typer.Option(min=0.01, max=10_000, help="How many times faster than the real ones.")
    ] = 10.0,
    openai_key: Annotated[str | None, typer.Option(help="The only OpenAI key taken.")] = None,
    llamaparse_key: Annotated[
        str | None, typer.Option(help="The only LlamaParse key taken.")
    ] = None,
    webhook_hosts: Annotated[
        str, typer.Option(metavar="HOSTS", help="Where webhooks may go beside this machine.")
    ] = "",
) -> None:
    """Stand in for OpenAI and LlamaParse, on this machine and without keys or costs."""
    serve(MocksOptions(host, port, faults, speed, openai_key, llamaparse_key, webhook_hosts))
