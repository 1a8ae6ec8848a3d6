"""A parser's process is started while a run is announced, where it will be needed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.parsing.kinds import MediaType
from stages.reading import prepare_parser


@pytest.mark.parametrize(
    ("names", "remote", "pool", "begun"),
    [
        (["a.md", "folder/b.txt", "c"], False, None, 0),
        (["a.md", "b.PDF", "c.docx"], False, None, 1),
        (["b.pdf"], True, None, 0),
        (["b.pdf"], False, "workers", 0),
        ([], False, None, 0),
    ],
)
def test_it_is_begun_for_what_it_reads(
    names: list[str], remote: bool, pool: str | None, begun: int
) -> None:
    """Not for texts, nor for what a service or a worker elsewhere reads."""
    begins: list[None] = []

    def reads(kind: MediaType) -> bool:
        return remote

    services: Any = SimpleNamespace(
        settings=SimpleNamespace(work_pool=pool),
        parser=SimpleNamespace(prepare=lambda: begins.append(None)),
        reads_remotely=reads,
    )
    prepare_parser(services, names)
    assert len(begins) == begun
