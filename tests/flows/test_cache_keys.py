"""Prefect's cache of parsed documents: what makes two parses the same."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from flows.shared_services import using
from flows.stage_tasks import parse_documents
from pipeline.settings import load_settings
from pipeline.states import JobState
from pipeline.store.claims import ClaimedJob
from stages.services import Services, open_services

JOB = ClaimedJob(
    job_id=UUID(int=1),
    attempt=1,
    state=JobState.PARSE_QUEUED,
    document_id=UUID(int=2),
    user_id=UUID(int=3),
    correlation_id=UUID(int=4),
    source="/files/a.md",
    file_sha256="a" * 64,
    file_bytes=100,
    media_type=None,
    storage_key="raw/a",
    parser="local-1",
    chunker="markdown-1:400/50",
    space_id=UUID(int=5),
    parsed_key=None,
    failures=0,
)


def key(services: Services, *jobs: ClaimedJob) -> str:
    """The cache key of parsing these jobs."""
    cache_key: Any = parse_documents.cache_key_fn
    with using(services):
        return str(cache_key(None, {"jobs": list(jobs)}))


async def test_a_cached_parse_is_of_the_same_bytes_parser_and_life(
    database_url: str, tmp_path: Path
) -> None:
    """Another attempt is answered from the cache; what would be read otherwise is read anew.

    Other bytes, another parser, a person's retry, a life after a deletion, another database.
    """
    settings = load_settings(
        database_url=database_url, home=tmp_path, parse_workers=1, embedder="wordllama"
    )
    async with open_services(settings) as services:
        known = key(services, JOB)
        assert key(services, replace(JOB, attempt=2, state=JobState.UPLOADED)) == known
        others = [
            key(services, replace(JOB, file_sha256="b" * 64)),
            key(services, replace(JOB, parser="local-2")),
            key(services, replace(JOB, failures=1)),
            key(services, replace(JOB, correlation_id=uuid4())),
            key(services, replace(JOB, job_id=uuid4())),
            key(services, JOB, JOB),
            key(replace(services, installation=uuid4()), JOB),
        ]
    assert len({known, *others}) == 1 + len(others)
