"""Prints what an ingest skips or keeps: links, and documents whose files are gone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from app.terminal.console import quantity, say, short_path, tell
from pipeline.sources import FoundFiles, RejectedFile, printable

_MOST = 20


def print_links(links: Sequence[RejectedFile]) -> None:
    """Each link that was not followed, with its reason."""
    if not links:
        return
    tell(f"Passed over {quantity(len(links), 'link')}:")
    for link in links[:_MOST]:
        tell(f"  {printable(short_path(link.source))}: {link.message}")
    if len(links) > _MOST:
        tell(f"  … and {len(links) - _MOST:,} more; --json names them all.")


def print_kept(documents: Sequence[RejectedFile]) -> None:
    """Documents whose files are gone and that were not deleted, with the reason."""
    if not documents:
        return
    tell(
        f"Nothing of {quantity(len(documents), 'document')} whose files are gone was deleted, "
        f"because not everything was published; run it again with --sync:"
    )
    for each in documents[:_MOST]:
        tell(f"  {printable(short_path(each.source))}")
    if len(documents) > _MOST:
        tell(f"  … and {len(documents) - _MOST:,} more; --json names them all.")


def links_json(links: Sequence[RejectedFile]) -> list[dict[str, Any]]:
    """The same for a program."""
    return [
        {"source": link.source, "message": link.message, "remedy": link.remedy} for link in links
    ]


def say_links(found: FoundFiles, *, sync: bool) -> None:
    """What happens with links, said before the work begins."""
    if found.passed_over:
        many = quantity(len(found.passed_over), "link")
        say(f"Passing over {many}; --follow-links follows those that lead out of the folder.")
        if sync:
            say(
                "Documents that came through them before are kept; `navigator delete` removes one.",
                "yellow",
            )
    for path in found.named_links[:_MOST]:
        target = os.path.realpath(path)
        say(f"{printable(short_path(str(path)))} is a link: {printable(target)} is read.")
