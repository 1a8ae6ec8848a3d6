"""Decides whether a job's document need not be made again for another embedding space."""

from __future__ import annotations

from pipeline.states import PUBLISHED
from pipeline.store.schema import SCHEMA, listed


def same_space(job: str, space: str = ":space") -> str:
    """SQL for whether a job is of the space, or published in one that is kept beside it.

    What is published in a space is owed to those that are filled beside it, so its vectors get
    there without the document being parsed, cut and published again.

    Args:
        job: the alias of `upload_jobs`. space: the parameter.
    """
    return f"""
        {job}.space_id = {space} OR {job}.state IN ({listed(PUBLISHED)}) AND 2 = (
            SELECT count(*) FROM {SCHEMA}.embedding_spaces AS kept
            WHERE kept.id IN ({space}, {job}.space_id) AND kept.filled_since IS NOT NULL)
    """
