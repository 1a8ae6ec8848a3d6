"""Finds the files of an ingest or a plan, and says what of the folders is left out."""

from __future__ import annotations

from app.ingestion import IngestRequest, find, left_out
from app.terminal.console import say
from app.terminal.skipped_files import say_links
from pipeline.sources import FoundFiles


def find_and_say(request: IngestRequest) -> FoundFiles:
    """The files that a request's paths name, with a remark on links among them.

    Raises:
        UsageError: a path names nothing, or there is nothing to take in.
    """
    options = request.options
    return find(request, options.settings(), lambda found: say_links(found, sync=options.sync))


def say_left_out(found: FoundFiles) -> None:
    """What of the folders is not taken in, and why."""
    if found.skipped:
        say(f"{left_out(found)}.")
    if found.excluded:
        many = "files and folders" if found.excluded > 1 else "file or folder"
        say(f"Left out by pattern: {found.excluded:,} {many}.")
