"""`navigator down`: stops what `navigator up` runs, and what commands left running."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from app.stack.kept_parts import KeptParts
from app.terminal.options import Json

_NAMES = {"prefect": "Prefect's server", "postgres": "Postgres", "warm": "the warm process"}


def command(json: Json = False) -> None:
    """Stop what `navigator up` runs, from another terminal, and what commands left running."""
    from app.stack.kept_parts import end_kept_parts
    from app.stack.supervisor_process import down as stop
    from app.terminal.console import print_json, say, tell, working
    from pipeline.settings import load_settings

    settings = load_settings()
    home = settings.home.absolute()
    with working("Stopping; running flows give back their claims"):
        stopped = stop(settings)
        kept = end_kept_parts(home)
    if json:
        print_json(as_json(settings.home, kept, stopped=stopped))
        return
    tell("Stopped." if stopped or kept.ended else f"Nothing runs on {settings.home}.")
    if kept.in_use:
        names = " and ".join(_NAMES[each] for each in kept.in_use)
        say(f"Still in use by another process, with which it ends: {names}.")


def as_json(home: Path, kept: KeptParts, *, stopped: bool) -> dict[str, Any]:
    """What was stopped, for a program."""
    return {
        "stopped": stopped or bool(kept.ended),
        "in_use": list(kept.in_use),
        "home": str(home),
    }
