"""A recipe's build is killed anywhere: the next one finishes it and buys nothing twice."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from mocks import OpenAIMock
from tests.flows.corpus import Opener, corpus
from tests.stages.killed_builds import build_in_process
from tests.stages.recipes.building import built, published


def build(database: str, home: Path, openai: OpenAIMock, failpoint: str = "") -> int:
    """Build in a process that dies at a failpoint; its exit code."""
    program = ["tests.stages.recipes.build_process"]
    return build_in_process(program, database, home, openai, failpoint)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    "failpoint",
    ["after-recipe-cut", "after-vector-commit:2", "after-recipe-bought"],
)
async def test_a_killed_build_goes_on_and_buys_no_text_twice(
    remote: Opener, openai: OpenAIMock, folder: Path, tmp_path: Path, database_url: str,
    failpoint: str,
) -> None:  # fmt: skip
    """SIGKILL between any two steps: readers see what they saw, and each text is paid once."""
    async with published(remote, folder) as services:
        before, sent = await corpus(services), openai.stats()["inputs"]
        home = tmp_path / "home"
        assert build(database_url, home, openai, failpoint) == -signal.SIGKILL
        assert await corpus(services) == before
        assert build(database_url, home, openai) == 0
        _, run = await built(services)
        assert (run.texts, run.use.documents, run.use.lacking) == (0, 3, 0)
        assert openai.stats()["inputs"] > sent
        assert openai.stats()["repeated_inputs"] == 0
        assert await corpus(services) == before
