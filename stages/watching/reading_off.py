"""Reads off what no ledger keeps: queue, workers, room, sizes, the time of a search, recall."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from pipeline.foresight.measures import Measure
from pipeline.settings import Settings
from pipeline.store import metrics, quotas, recall, search_probe, watch_figures
from pipeline.store.watch_figures import Key
from stages.services import Services

EVERYTHING = "all"


async def read_off(parts: Services) -> dict[Key, float]:
    """The figures of this moment, kept for the hour that it is in."""
    async with parts.database.service() as connection:
        queue = await metrics.queue(connection)
        gauges = await watch_figures.gauges(connection)
        stored = await quotas.storage_use(connection, None, 0)
        recalled = await recall.latest(connection)
    seen: dict[Key, float] = {
        (Measure.QUEUE_AGE, EVERYTHING): float(queue["oldest"]),
        (Measure.WAITING, EVERYTHING): float(queue["waiting"] + queue["held"]),
        (Measure.WORKERS, EVERYTHING): float(gauges.workers),
        (Measure.DATABASE_SIZE, EVERYTHING): float(gauges.database_bytes),
        (Measure.STORED_SIZE, EVERYTHING): float(stored.used),
    }
    for folder in disks(parts.settings):
        seen[Measure.DISK_FREE, folder] = float(shutil.disk_usage(folder).free)
    seconds = await search_probe.search_seconds(parts.database, parts.embedder.space.id)
    if seconds is not None:
        seen[Measure.SEARCH_TIME, "vectors"] = seconds
    for each in recalled:
        seen[Measure.RECALL, f"space {each.space_id}"] = each.recall
    async with parts.database.service(repeatable=True) as connection:
        await watch_figures.keep(connection, seen)
    return seen


def disks(settings: Settings) -> list[str]:
    """The folders of ours whose room counts, one of each disk: the home's, the storage's."""
    folders = [settings.home]
    if settings.storage_url and settings.storage_url.startswith("file://"):
        folders.append(Path(url2pathname(urlsplit(settings.storage_url).path)))
    found: dict[int, str] = {}
    for folder in folders:
        if folder.exists():
            found.setdefault(folder.stat().st_dev, str(folder))
    return list(found.values())
