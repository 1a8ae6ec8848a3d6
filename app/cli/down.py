"""`navigator down`: stops what `navigator up` runs."""

from __future__ import annotations


def command() -> None:
    """Stop what `navigator up` runs, from another terminal."""
    from app.stack.supervisor_process import down as stop
    from app.terminal.console import tell, working
    from pipeline.settings import load_settings

    settings = load_settings()
    with working("Stopping; running flows give back their claims"):
        stopped = stop(settings)
    tell("Stopped." if stopped else f"Nothing runs on {settings.home}.")
