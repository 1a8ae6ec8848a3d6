"""Fits services to the pipeline version that a job was accepted under."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from pipeline.chunking.options import chunker_of
from pipeline.store import backlog
from pipeline.store.registration import PipelineVersion
from pipeline.tokens import name_of
from stages.services import Services
from stages.spaces.following import services_in


def services_for_version(services: Services, version: PipelineVersion) -> Services | None:
    """The services as they work for a version, or None when they cannot.

    Parser and embedding space have to be theirs; the sizes of chunks are taken from the version.
    """
    if version == services.version:
        return services
    if (version.parser, version.space_id) != (services.version.parser, services.version.space_id):
        return None
    chunker = chunker_of(version.chunker, name_of(services.embedder.tokenizer_name))
    if chunker is None or chunker.max_tokens > services.embedder.limits.max_input_tokens:
        return None
    return replace(services, chunker=chunker, version=version)


async def services_for_jobs(services: Services, job_ids: Sequence[UUID]) -> Services:
    """The services as they work for a batch: by the version that all its jobs share.

    Where there is no such version they stay as they are, and claim only what is their own.
    """
    async with services.database.service() as connection:
        versions = await backlog.versions_of(connection, job_ids)
    if len(versions) != 1:
        return services
    fit = services_for_version(services, versions[0])
    if fit is None and (beside := await services_in(services, versions[0].space_id)):
        fit = services_for_version(beside, versions[0])
    return fit or services
