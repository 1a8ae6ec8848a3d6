"""A build is killed anywhere: the next one finishes the space and buys nothing twice."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from mocks import OpenAIMock
from pipeline.identity import user_id
from pipeline.store import space_pointer
from tests.flows.corpus import Opener, policy
from tests.ingesting import ingest
from tests.stages.killed_builds import build_in_process
from tests.stages.spaces.building import SMALL, begun, chunks, large, vectors

ANNA = user_id("anna")


def build(database: str, home: Path, openai: OpenAIMock, failpoint: str = "") -> int:
    """Build in a process that dies at a failpoint; its exit code."""
    told = json.dumps(large(openai).record())
    program = ["tests.stages.spaces.build_process", told]
    chunks = {"NAVIGATOR_CHUNK_TOKENS": "64", "NAVIGATOR_CHUNK_OVERLAP_TOKENS": "8"}
    return build_in_process(program, database, home, openai, failpoint, chunks)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "failpoint",
    [
        "after-vector-commit:2",
        pytest.param("after-space-reserve", marks=pytest.mark.long),
        pytest.param("after-space-settled", marks=pytest.mark.long),
    ],
)
async def test_a_killed_build_goes_on_and_buys_no_text_twice(
    remote: Opener, openai: OpenAIMock, folder: Path, tmp_path: Path, database_url: str,
    failpoint: str,
) -> None:  # fmt: skip
    """SIGKILL between any two steps: the ledger and the bill name each text once."""
    for number in range(6):
        policy(folder, f"policy-{number}")
    async with remote(**SMALL) as services:
        await ingest(services, [folder], ANNA)
        sent = openai.stats()["inputs"]
        home = tmp_path / "home"
        assert build(database_url, home, openai, failpoint) == -signal.SIGKILL
        space = await begun(services, large(openai))
        assert build(database_url, home, openai) == 0
        assert openai.stats()["inputs"] == 2 * sent
        assert await vectors(services, space.id) == await chunks(services)
        async with services.database.service() as connection:
            whole = await space_pointer.space(connection, space.id)
        assert whole is not None
        assert whole.state == "active"
