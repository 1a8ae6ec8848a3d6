"""Settings of searches. Part of `pipeline.settings`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class SearchSettings(BaseSettings):
    """What counts as an answer."""

    search_least_relevance: float | None = Field(
        default=None,
        ge=0,
        le=1,
        description="An answer less relevant is told as 'nothing fits'; without it, what was "
        "fitted for the embedding model; 0: everything fits.",
    )
