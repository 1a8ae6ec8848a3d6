"""Diagnoses where settings and code come from."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AsyncExitStack

from app.doctor.diagnosis import Finding, Verdict
from app.process.environment import unknown, where_instead
from pipeline.child_processes import ROOT
from pipeline.env_files import VARIABLE, env_file, passed_over
from pipeline.errors import ConfigurationError
from pipeline.settings import Settings

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def configured() -> Iterator[Finding]:
    """The file with settings, and variables that set nothing."""
    yield _file()
    for sentence in unknown():
        yield Finding("Settings", Verdict.NOTE, sentence, "Correct or unset it.")


def _file() -> Finding:
    part = "File with settings"
    try:
        path = env_file()
    except ConfigurationError as error:
        return Finding(part, Verdict.PROBLEM, error.message, error.remedy)
    if (other := passed_over()) is not None:
        remedy = f"To use it: --env-file .env, or {VARIABLE}."
        return Finding(part, Verdict.NOTE, f"{other} is not read: {where_instead()}", remedy)
    return Finding(part, Verdict.OK, str(path) if path else f"none; {where_instead()}")


async def code(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Children run with -P; whoever can write where the program lies can still change it."""
    part, where = "Code", f"comes from {ROOT}, never from the current folder"
    mode = ROOT.stat()
    if mode.st_mode & _OTHERS_WRITE or mode.st_uid not in (0, os.geteuid()):
        detail = f"{ROOT}, where the program lies, can be changed by others."
        return Finding(part, Verdict.NOTE, detail, f"Close it: chmod go-w '{ROOT}'")
    if theirs := os.environ.get("PYTHONPATH"):
        remedy = "Unset it unless you need it."
        return Finding(part, Verdict.NOTE, f"{where}; PYTHONPATH adds {theirs}", remedy)
    return Finding(part, Verdict.OK, where)
