"""`navigator doctor`: tries every part once, and says how to fix what does not work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from typing import Annotated, Any

import typer

from app.doctor.configuration import configured
from app.doctor.diagnosis import Finding, Verdict
from app.doctor.permissions import Closed, close
from app.doctor.protections import protections
from app.terminal.console import answers, print_json, say, tell, text, working
from app.terminal.options import Json
from pipeline.errors import ConfigurationError, NavigatorError
from pipeline.settings import Settings, load_settings

Check = Callable[[Settings, AsyncExitStack], Awaitable[Finding]]

_CORRECT = "Correct or unset the variable, in the environment or in the file with settings."
_MARKS = {
    Verdict.OK: ("✓", "green"),
    Verdict.NOTE: ("·", "yellow"),
    Verdict.PROBLEM: ("✗", "red"),
}


def checks() -> Sequence[tuple[str, Check]]:
    """The parts in the order in which they are tried."""
    from app.doctor import checks as checkups

    return (
        ("Python", checkups.python),
        ("Home folder", checkups.home_folder),
        ("Disk space", checkups.disk_space),
        ("Database", checkups.database),
        ("Storage", checkups.storage),
        ("Embedder", checkups.embedder),
        ("Chunks", checkups.chunks),
        ("Parser", checkups.parser),
        ("Text recognition", checkups.text_recognition),
        ("Quality gate", checkups.quality_gate),
        ("Report key", checkups.report_signing),
        ("Prefect", checkups.prefect),
        ("Maintenance", checkups.maintenance),
    )


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found: the parts that make the system work, and the protections in force."""

    findings: Sequence[Finding]
    protections: Sequence[Finding] = ()

    @property
    def fine(self) -> bool:
        """Whether nothing has a problem."""
        return fine([*self.findings, *self.protections])


async def examine() -> Examination:
    """Try every part; one that fails does not keep the others from being tried."""
    try:
        settings = load_settings()
    except ConfigurationError as error:
        remedy = error.remedy if error.remedy != ConfigurationError.remedy else _CORRECT
        return Examination([Finding("Settings", Verdict.PROBLEM, error.message, remedy)])
    async with AsyncExitStack() as stack:
        findings = await _all_tried(checks(), settings, stack)
        held = await _all_tried(protections(), settings, stack)
    return Examination([_settings(settings), *configured(), *findings], held)


async def _all_tried(
    parts: Sequence[tuple[str, Check]], settings: Settings, stack: AsyncExitStack
) -> list[Finding]:
    findings = []
    for part, check in parts:
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
        hidden = isinstance(value, SecretStr) or name.endswith("_options")
        yield f"{name.upper()}={'(set)' if hidden else value}"


def fine(findings: Sequence[Finding]) -> bool:
    """Whether no part has a problem."""
    return all(each.verdict is not Verdict.PROBLEM for each in findings)


def print_findings(found: Examination) -> None:
    """The findings for a person."""
    _print_table(found.findings)
    if found.protections:
        tell("\nProtections", "bold")
        _print_table(found.protections)
    everything = [*found.findings, *found.protections]
    problems = sum(each.verdict is Verdict.PROBLEM for each in everything)
    if problems:
        say(f"{problems} of {len(everything)} parts need mending.", "bold red")
    else:
        tell("Everything works.")


def _print_table(findings: Sequence[Finding]) -> None:
    from rich.table import Table

    grid = Table.grid(padding=(0, 1))
    for each in findings:
        mark, color = _MARKS[each.verdict]
        grid.add_row(text(mark, color), text(each.part, "bold"), text(each.detail))
        if each.remedy:
            grid.add_row("", "", text(f"→ {each.remedy}", "cyan"))
    answers().print(grid)


def as_json(found: Examination, closed: Closed | None) -> dict[str, Any]:
    """The findings for a program; what was closed, when that was asked for."""
    fixed = {"fixed": closed.as_json()} if closed is not None else {}
    return {
        "ok": found.fine,
        **fixed,
        "findings": [asdict(each) for each in found.findings],
        "protections": [asdict(each) for each in found.protections],
    }


def command(
    json: Json = False,
    fix: Annotated[
        bool, typer.Option("--fix", help="First close what of NAVIGATOR_HOME is open to others.")
    ] = False,
) -> None:
    """Try every part of the set-up, show the protections in force; say how to mend it."""
    closed = close(load_settings().home) if fix else None
    if closed is not None and not json:
        for sentence in closed.sentences():
            say(sentence)
    found = asyncio.run(examine())
    if json:
        print_json(as_json(found, closed))
    else:
        print_findings(found)
    raise typer.Exit(0 if found.fine else 1)
