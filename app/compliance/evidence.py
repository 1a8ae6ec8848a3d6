"""Gathers the evidence of the controls into a folder that an auditor may be given.

It holds ids, counts, times and settings: no document's text, no file's and no person's name but
that of the operator's account.
"""

from __future__ import annotations

import csv
import io
import json
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.compliance.controls import CONTROLS, Control
from app.doctor.diagnosis import Verdict
from pipeline.errors import NavigatorError
from pipeline.private_files import write_private
from pipeline.settings import Settings

FACTS_FILE = "evidence.json"
ACCESS_FILE = "access-log.csv"
_COLUMNS = ("id", "at", "user_id", "actor_id", "action", "document_id", "items")


@dataclass(frozen=True, slots=True)
class Shown:
    """A control with what was found of it here.

    Attributes:
        verdict: the worst of its protections; ok where it has none.
        why: what is not in force, as `navigator doctor` says it.
    """

    control: Control
    verdict: Verdict
    why: str = ""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was gathered: each control, and the facts that `evidence.json` holds."""

    at: datetime
    controls: tuple[Shown, ...]
    facts: dict[str, Any]
    accesses: int = 0


async def gather(settings: Settings, folder: Path, since: datetime | None) -> Evidence:
    """Write the evidence and the access log to a folder.

    Args:
        since: leave out accesses before; None: the whole log.

    Raises:
        NavigatorError: the database does not answer, or the folder cannot be written.
    """
    from app.version import program_version
    from pipeline.store import evidence, holds, retention
    from stages.services import open_database

    protected = await _protections(settings)
    async with AsyncExitStack() as stack:
        database = await open_database(settings, stack)
        async with database.service() as connection:
            facts = await evidence.facts(connection)
            facts["holds"] = [asdict(each) for each in await holds.all_holds(connection)]
            rules = await retention.all_rules(connection)
            facts["retention_rules"] = [asdict(each) for each in rules]
        log, accesses = io.StringIO(), 0
        written = csv.DictWriter(log, _COLUMNS)
        written.writeheader()
        async for row in evidence.access_log(database, since):
            written.writerow(row)
            accesses += 1
    facts["access_log"] = {"file": ACCESS_FILE, "rows": accesses, "since": since}
    found = Evidence(
        datetime.now(UTC), tuple(_shown(each, protected) for each in CONTROLS), facts, accesses
    )
    whole = {"version": program_version(), "protections": protected, **as_json(found)}
    write_private(folder / ACCESS_FILE, log.getvalue().encode())
    write_private(folder / FACTS_FILE, json.dumps(whole, indent=1, default=str).encode())
    return found


async def _protections(settings: Settings) -> dict[str, dict[str, str]]:
    """What `navigator doctor` says of each protection, by its name."""
    from app.doctor.protections import protections

    found: dict[str, dict[str, str]] = {}
    async with AsyncExitStack() as stack:
        for name, tried in protections():
            try:
                finding = await tried(settings, stack)
                found[name] = {"verdict": finding.verdict.value, "detail": finding.detail}
            except NavigatorError as error:
                found[name] = {"verdict": Verdict.PROBLEM.value, "detail": error.message}
    return found


def _shown(control: Control, protected: dict[str, dict[str, str]]) -> Shown:
    order = [Verdict.OK, Verdict.NOTE, Verdict.PROBLEM]
    found = [(Verdict(protected[name]["verdict"]), name) for name in control.protections]
    worst = max((each for each, _ in found), key=order.index, default=Verdict.OK)
    why = [f"{name}: {protected[name]['detail']}" for each, name in found if each != Verdict.OK]
    return Shown(control, worst, "; ".join(why))


def as_json(found: Evidence) -> dict[str, Any]:
    """The evidence for a program."""
    return {
        "at": found.at,
        "controls": [
            {
                "name": each.control.name,
                "hipaa": list(each.control.hipaa),
                "gdpr": list(each.control.gdpr),
                "verdict": each.verdict.value,
                "why": each.why,
                "operator": each.control.operator,
                "tests": list(each.control.tests),
            }
            for each in found.controls
        ],
        "facts": found.facts,
    }
