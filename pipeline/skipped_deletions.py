"""Reports documents that `--sync` did not delete although their files are gone."""

from __future__ import annotations

from collections.abc import Iterable

from pipeline.sources import RejectedFile

KEPT = "kept_by_sync"
"""Their code, among what a run rejected: it is no failure."""


def kept_by_sync(sources: Iterable[str]) -> list[RejectedFile]:
    """Documents that were kept because the run did not end well."""
    message = "Its file is gone; it was kept, because the run did not end well."
    remedy = "Run it again with --sync, or remove it with `navigator delete`."
    return [RejectedFile(source, KEPT, message, remedy) for source in sources]


def kept_by_hold(sources: Iterable[str]) -> list[RejectedFile]:
    """Documents that were kept because a legal hold is on them."""
    message = "Its file is gone; it was kept, because a legal hold is on it."
    remedy = "Nothing to do: the first run with --sync after the hold is lifted removes it."
    return [RejectedFile(source, KEPT, message, remedy) for source in sources]
