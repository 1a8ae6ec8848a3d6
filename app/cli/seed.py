"""`navigator seed`: ingests the samples, so that there is something to look at."""

from __future__ import annotations

from app.terminal.options import Json, User


def command(user: User = None, json: Json = False) -> None:
    """Take in the samples, so that there is something to look at: fifteen documents."""
    from app.cli.ingest import ingest
    from app.ingestion import IngestRequest
    from app.terminal.console import say
    from app.terminal.run_report import show_run
    from pipeline.errors import UsageError
    from pipeline.installation import sample_files

    samples = sample_files()
    if not samples.is_dir():
        raise UsageError("The samples are not here.", remedy="Run this from a checkout or a wheel.")
    report, found = ingest(IngestRequest([str(samples)], user, ("samples",)))
    show_run(report, found.skipped, json=json)
    if not json:
        say("The scanned, the broken and the encrypted file are meant to fail: each says why.")
