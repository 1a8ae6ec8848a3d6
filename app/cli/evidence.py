"""`navigator evidence`: exports what shows that the controls for privacy and compliance work."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from app.terminal.console import answers, print_json, quantity, say, table, tell, text
from app.terminal.options import Json
from pipeline.settings import load_settings


def command(
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="Where the files are written.")
    ] = Path("evidence"),
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Accesses from that day on (UTC).", metavar="DAY"),
    ] = None,
    json: Json = False,
) -> None:
    """Export what shows that the controls for privacy and compliance work."""
    from app.compliance.evidence import ACCESS_FILE, FACTS_FILE, as_json, gather

    day = since.replace(tzinfo=UTC) if since else None
    found = asyncio.run(gather(load_settings(), out, day))
    if json:
        print_json(as_json(found))
        return
    grid = table("Control", "HIPAA", "GDPR", "Here", ("What is not", {"overflow": "fold"}))
    colors = {"ok": "green", "note": "yellow", "problem": "red"}
    words = {"ok": "in force", "note": "in part", "problem": "not in force"}
    for each in found.controls:
        grid.add_row(
            each.control.name, ", ".join(each.control.hipaa), ", ".join(each.control.gdpr),
            text(words[each.verdict.value], colors[each.verdict.value]), text(each.why),
        )  # fmt: skip
    answers().print(grid)
    log = f"{ACCESS_FILE} ({quantity(found.accesses, 'line')})"
    tell(f"Wrote {FACTS_FILE} and {log} to {out}.")
    say("docs/compliance.md says what each control does, and what is yours to do.")
