"""Runs `make demo`: ingests the samples, answers one question, names the quality report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from app.terminal.console import say, tell
from pipeline.child_processes import child_environment, module_command

SAMPLES = Path(__file__).parent.parent / "samples"
QUESTION = "The power failed and the food in my freezer spoiled. Will you pay?"


def main() -> int:
    """Run the demo in NAVIGATOR_HOME, or the default home; 0 when it went as it should."""
    if not SAMPLES.is_dir():
        say("The samples are not here: run this from a checkout.", "bold red")
        return 2
    tell("$ navigator ingest samples/", "bold")
    # 1 says that some documents failed, which the demo's three broken ones are there to show.
    if (code := _navigator("ingest", str(SAMPLES))) not in (0, 1):
        return code
    tell("The scanned, the broken and the encrypted file are meant to fail: each says why.\n")
    tell(f'$ navigator search "{QUESTION}" --limit 1', "bold")
    if code := _navigator("search", QUESTION, "--limit", "1"):
        return code
    tell("$ navigator report --no-open", "bold")
    if code := _navigator("report", "--no-open"):
        return code
    tell("\nNext: `navigator ingest` a folder of yours; `navigator --help` names every command.")
    return 0


def _navigator(*arguments: str) -> int:
    """Run one command as a person would, in a process of its own."""
    command, environment = module_command("app", *arguments), child_environment(os.environ)
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
