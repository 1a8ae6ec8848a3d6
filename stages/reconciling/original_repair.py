"""Repairs a lost original from the file that the document was made of."""

from __future__ import annotations

from pathlib import Path

from pipeline.store import pending_objects
from pipeline.store.reconciling.objects import Named
from stages.file_inspection import inspect_files
from stages.original_storage import store_files
from stages.reconciling.inspection import Inspection


async def restore_original(look: Inspection, named: Named) -> bool:
    """Repair an original from the document's source; whether the same bytes lie there.

    Only where a person looks, who may read what they name; a worker reads no path of a row.
    """
    services, path = look.services, Path(named.source)
    if not look.by_person or not path.is_absolute():
        return False
    contents, _ = await inspect_files([path], services.settings.max_file_bytes)
    if [content.sha256 for content in contents] != [named.file_sha256]:
        return False
    async with services.database.service() as connection:
        held = await pending_objects.acquire(connection, named.user_id, [named.file_sha256])
    stored = await store_files(services.storage, [(named.storage_key, contents[0])])
    async with services.database.service() as connection:
        # Given back, not settled: if the document was deleted meanwhile, it is removed again.
        await pending_objects.release(connection, held)
    return stored == [True]
