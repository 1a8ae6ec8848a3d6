"""`navigator down`: stops what `navigator up` runs."""

from __future__ import annotations

from app.terminal.options import Json


def command(json: Json = False) -> None:
    """Stop what `navigator up` runs, from another terminal."""
    from app.stack.supervisor_process import down as stop
    from app.terminal.console import print_json, tell, working
    from pipeline.settings import load_settings

    settings = load_settings()
    with working("Stopping; running flows give back their claims"):
        stopped = stop(settings)
    if json:
        print_json({"stopped": stopped, "home": str(settings.home)})
        return
    tell("Stopped." if stopped else f"Nothing runs on {settings.home}.")
