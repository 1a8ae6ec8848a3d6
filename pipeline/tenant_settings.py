"""Settings of multi-tenancy: who is who, and what users share. Part of `pipeline.settings`."""

from __future__ import annotations

from pydantic import Field
from pydantic_settings import BaseSettings


class TenantSettings(BaseSettings):
    """What an operator decides about users; by default they have nothing in common."""

    share_vectors: bool = Field(
        default=False,
        description="All users are one owner's: what is embedded for one costs the others nothing.",
    )
    jwt_local_issuer: str | None = Field(
        default=None,
        min_length=1,
        description="Its subjects are names as the command line's are, not users of their own.",
    )
    jwt_subject_ids: bool = Field(
        default=False,
        description="A subject that is a UUID is a user's id, not a name; needs one issuer.",
    )
