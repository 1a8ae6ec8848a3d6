"""A worker of another installation takes none of a run's documents, and says why."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from clients.storage.object_storage import Storage
from pipeline.code_version import code_version
from pipeline.errors import ConfigurationError
from pipeline.identity import user_id
from stages.installation import Origin, origin_of, require_installation
from stages.services import Services
from tests.flows.corpus import Opener
from tests.ingesting import accept


@pytest.fixture
async def services(local: Opener) -> AsyncIterator[Services]:
    """Services that need nothing outside this machine."""
    async with local() as opened:
        yield opened


async def accepted(services: Services, folder: Path) -> Origin:
    """Where a document comes from that these services have taken in."""
    folder = folder / "documents"
    folder.mkdir()
    (folder / "policy.md").write_text("# Policy\n\nThe deductible is 500 dollars.\n")
    return await origin_of(services, await accept(services, [str(folder)], user_id("anna")))


async def test_the_same_installation(services: Services, tmp_path: Path) -> None:
    """Who shares database, storage and code takes the documents."""
    origin = await accepted(services, tmp_path)
    assert origin.stored is not None
    await require_installation(services, origin)


async def test_another_database(services: Services) -> None:
    """Another database is named by its installation's id."""
    with pytest.raises(ConfigurationError, match="database is the installation"):
        await require_installation(services, Origin(installation=uuid4()))


async def test_another_storage(services: Services, tmp_path: Path) -> None:
    """A storage that lacks the files is told from a file that is lost: where it was, it is."""
    origin = await accepted(services, tmp_path)
    elsewhere = replace(services, storage=Storage((tmp_path / "other").as_uri()))
    with pytest.raises(ConfigurationError, match="storage does not have the files"):
        await require_installation(elsewhere, origin)


async def test_a_lost_file_is_no_other_storage(services: Services, tmp_path: Path) -> None:
    """Documents whose file nobody has are not asked about: their own stage says it."""
    folder = tmp_path / "documents"
    folder.mkdir()
    (folder / "lost.md").write_text("# Lost\n\nNothing is covered.\n")
    [job] = await accept(services, [str(folder)], user_id("anna"))
    async for keys in services.storage.listing():
        await services.storage.delete(keys)
    assert (await origin_of(services, [job])).stored is None


async def test_other_code(services: Services) -> None:
    """A worker of another release says which code it runs, and which the run was started by."""
    with pytest.raises(ConfigurationError, match=f"{code_version()}.*0123"):
        await require_installation(services, Origin(code="0123"))
