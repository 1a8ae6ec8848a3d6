"""Builds of a space or a recipe in a process of their own, which dies at a failpoint."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from mocks import OpenAIMock
from tests.stages.spaces.building import SMALL

ROOT = Path(__file__).parents[2]


def build_in_process(
    program: Sequence[str],
    database: str,
    home: Path,
    openai: OpenAIMock,
    failpoint: str = "",
    chunks: Mapping[str, str] | None = None,
) -> int:
    """Run a module with its arguments; its exit code.

    Args:
        chunks: variables of the sizes of chunks; without, the installation's own count.
    """
    kept = {name: value for name, value in os.environ.items() if "CHUNK" not in name}
    environment = {
        **kept, "DATABASE_URL": database, "NAVIGATOR_HOME": str(home),
        "NAVIGATOR_EMBEDDER": "openai", "OPENAI_API_KEY": "sk-test",
        "OPENAI_BASE_URL": openai.base_url, "NAVIGATOR_FAILPOINT": failpoint,
        "NAVIGATOR_EMBEDDING_MODEL": str(SMALL["embedding_model"]),
        "NAVIGATOR_EMBEDDING_DIMENSION": str(SMALL["embedding_dimension"]),
        "NAVIGATOR_EMBEDDING_BATCH_INPUTS": "4", "NAVIGATOR_EMBEDDING_CONCURRENCY": "1",
        "PYTHONPATH": str(ROOT), **(chunks or {}),
    }  # fmt: skip
    ended = subprocess.run(
        [sys.executable, "-P", "-m", *program], env=environment, cwd=ROOT, timeout=300, check=False
    )
    return ended.returncode
