"""`navigator doctor`: every part tried once, with how to mend what does not work."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict
from typing import Any

from app.console import answers, say, tell, text, working
from app.diagnosis import Finding, Verdict
from pipeline.errors import ConfigurationError, NavigatorError
from pipeline.settings import Settings, load_settings

Check = Callable[[Settings, AsyncExitStack], Awaitable[Finding]]

_MARKS = {
    Verdict.OK: ("✓", "green"),
    Verdict.NOTE: ("·", "yellow"),
    Verdict.PROBLEM: ("✗", "red"),
}


def checks() -> Sequence[tuple[str, Check]]:
    """The parts in the order in which they are tried."""
    from app import api_protections, checkups
    from app.parser_cell import parser_cell

    return (
        ("Python", checkups.python),
        ("Home folder", checkups.home_folder),
        ("Disk space", checkups.disk_space),
        ("Database", checkups.database),
        ("Storage", checkups.storage),
        ("Embedder", checkups.embedder),
        ("Parser", checkups.parser),
        ("Parser's cell", parser_cell),
        ("Text recognition", checkups.text_recognition),
        ("Quality gate", checkups.quality_gate),
        ("Prefect", checkups.prefect),
        ("API", api_protections.api_limits),
    )


async def examine() -> list[Finding]:
    """Try every part; one that fails does not keep the others from being tried."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        remedy = "Correct or unset the variable, in the environment or in .env."
        return [Finding("Settings", Verdict.PROBLEM, error.message, remedy)]
    findings = [_settings(settings)]
    async with AsyncExitStack() as stack:
        for part, check in checks():
            with working(f"Trying: {part.lower()}"):
                findings.append(await _tried(part, check, settings, stack))
    return findings


async def _tried(part: str, check: Check, settings: Settings, stack: AsyncExitStack) -> Finding:
    try:
        return await check(settings, stack)
    except NavigatorError as error:
        return Finding(part, Verdict.PROBLEM, error.message, _specific(error))
    except Exception as error:  # a doctor that dies of the illness helps nobody
        detail = f"It failed in a way that was not foreseen ({type(error).__name__})."
        return Finding(part, Verdict.PROBLEM, detail, "Please report it.")


def _specific(error: NavigatorError) -> str:
    """The remedy, unless it only sends the reader to this command."""
    return error.remedy.replace(", then run `navigator doctor`", "").replace(
        "Run `navigator doctor` to see every setting and how to mend it.",
        "Correct the setting, then try again.",
    )


def _settings(settings: Settings) -> Finding:
    own = list(changed_settings(settings))
    return Finding("Settings", Verdict.OK, "; ".join(own) if own else "all at their defaults")


def changed_settings(settings: Settings) -> Iterator[str]:
    """Every setting that was given, as NAME=value; secrets are named but not shown."""
    from pydantic import SecretStr

    for name in sorted(settings.model_fields_set):
        value = getattr(settings, name)
        hidden = isinstance(value, SecretStr) or name == "storage_options"
        yield f"{name.upper()}={'(set)' if hidden else value}"


def fine(findings: Sequence[Finding]) -> bool:
    """Whether no part has a problem."""
    return all(each.verdict is not Verdict.PROBLEM for each in findings)


def print_findings(findings: Sequence[Finding]) -> None:
    """The findings for a person."""
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    for each in findings:
        mark, colour = _MARKS[each.verdict]
        grid.add_row(text(mark, colour), text(each.part, "bold"), text(each.detail))
        if each.remedy:
            grid.add_row("", "", text(f"→ {each.remedy}", "cyan"))
    answers().print(grid)
    problems = sum(each.verdict is Verdict.PROBLEM for each in findings)
    if problems:
        say(f"{problems} of {len(findings)} parts need mending.", "bold red")
    else:
        tell("Everything works.")


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """The findings for a program."""
    return {"ok": fine(findings), "findings": [asdict(each) for each in findings]}
