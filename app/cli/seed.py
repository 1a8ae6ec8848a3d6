"""`navigator seed`: the samples, so that there is something to look at."""

from __future__ import annotations

from pathlib import Path

from app.terminal.options import Json, User

SAMPLES = Path(__file__).parents[2] / "samples" / "files"


def command(user: User = None, json: Json = False) -> None:
    """Take in the samples, so that there is something to look at: fifteen documents."""
    from app.cli.ingest import ingest
    from app.ingestion import IngestRequest
    from app.terminal.console import say
    from app.terminal.run_report import show_run
    from pipeline.errors import UsageError

    if not SAMPLES.is_dir():
        raise UsageError("The samples are not here.", remedy="Run this from a checkout.")
    report, found = ingest(IngestRequest([str(SAMPLES)], user, ("samples",)))
    show_run(report, found.skipped, json=json)
    if not json:
        say("The scanned, the broken and the encrypted file are meant to fail: each says why.")
