"""Failpoints: named places where a test can kill the process, to prove that work is finished.

`NAVIGATOR_FAILPOINT=after-chunk-commit` kills at the first passing of that place, `name:3` at the
third; `name:1:stop` freezes it there with SIGSTOP. Without the variable a failpoint does nothing.
"""

from __future__ import annotations

import os
import signal
from collections import Counter

FAILPOINTS = (
    "after-store-upload",
    "after-register-commit",
    "after-claim-commit",
    "after-parse-stored",
    "after-store-attachments",
    "after-attachments-commit",
    "after-parse-commit",
    "after-validate-commit",
    "before-chunk-commit",
    "after-chunk-commit",
    "after-embed-reserve",
    "after-embed-answer",
    "after-vector-commit",
    "after-embed-commit",
    "after-gate-commit",
    "before-publish-commit",
    "after-publish-commit",
)
"""Every place, in the order in which an ingest passes them."""

SYNC_FAILPOINTS = ("before-move-commit", "after-move-commit", "before-sync-delete")
"""Points that a run with --sync passes, in this order."""

DELETION_FAILPOINTS = ("after-delete-commit", "before-removal-commit")
"""Every place, in the order in which a deletion passes them."""

BACKFILL_FAILPOINTS = ("after-backfill-group", "after-backfill-selected")
"""Points that a backfill passes before it works, in this order."""

WORD_INDEX_FAILPOINTS = ("before-words-commit", "before-rewrite-commit")
"""Points that the upkeep of the word index passes, of new chunks and of old segments."""

SPACE_FAILPOINTS = (
    "after-space-reserve", "after-embed-answer", "after-vector-commit", "after-space-settled",
)  # fmt: skip
"""Every place that filling a space passes, in this order."""

_passed: Counter[str] = Counter()


def failpoint(name: str) -> None:
    """Die here by SIGKILL, or freeze by SIGSTOP, when the environment says so."""
    wanted, _, when = os.environ.get("NAVIGATOR_FAILPOINT", "").partition(":")
    if wanted != name:
        return
    nth, _, how = when.partition(":")
    _passed[name] += 1
    if _passed[name] == int(nth or 1):
        os.kill(os.getpid(), signal.SIGSTOP if how == "stop" else signal.SIGKILL)
