"""A recipe's build is killed anywhere: the next one finishes it and buys nothing twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mocks import OpenAIMock
from tests.flows.corpus import Opener, corpus
from tests.stages.recipes.building import built, published
from tests.stages.spaces.building import SMALL

ROOT = Path(__file__).parents[3]


def build(database: str, home: Path, openai: OpenAIMock, failpoint: str = "") -> int:
    """Build in a process that dies at a failpoint; its exit code."""
    kept = {name: value for name, value in os.environ.items() if "CHUNK" not in name}
    environment = {
        **kept, "DATABASE_URL": database, "NAVIGATOR_HOME": str(home),
        "NAVIGATOR_EMBEDDER": "openai", "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai.base_url, "NAVIGATOR_FAILPOINT": failpoint,
        "NAVIGATOR_EMBEDDING_MODEL": SMALL["embedding_model"],
        "NAVIGATOR_EMBEDDING_DIMENSION": str(SMALL["embedding_dimension"]),
        "NAVIGATOR_EMBEDDING_BATCH_INPUTS": "4", "NAVIGATOR_EMBEDDING_CONCURRENCY": "1",
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "tests.stages.recipes.build_process"],
        env={**environment, "PYTHONPATH": str(ROOT)}, cwd=ROOT, timeout=300, check=False,
    )  # fmt: skip
    return ended.returncode


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
