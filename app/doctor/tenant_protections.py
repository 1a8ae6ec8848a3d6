"""Diagnoses multi-tenancy: what users share, and whom a token belongs to."""

from __future__ import annotations

from contextlib import AsyncExitStack

from app.doctor.diagnosis import Finding, Verdict
from pipeline.settings import Settings


async def tenants(settings: Settings, stack: AsyncExitStack) -> Finding:
    """Whether vectors are a user's own, and how a token's subject becomes a user."""
    detail = f"{_vectors(settings)}; {_tokens(settings)}"
    if settings.share_vectors:
        remedy = "Right where all users are one owner's; else unset NAVIGATOR_SHARE_VECTORS."
        return Finding("Users", Verdict.NOTE, detail, remedy)
    if settings.jwt_subject_ids:
        remedy = "Right where nobody can choose a subject; else unset NAVIGATOR_JWT_SUBJECT_IDS."
        return Finding("Users", Verdict.NOTE, detail, remedy)
    return Finding("Users", Verdict.OK, detail)


def _vectors(settings: Settings) -> str:
    return "vectors are shared by all" if settings.share_vectors else "vectors are a user's own"


def _tokens(settings: Settings) -> str:
    if settings.jwt_subject_ids:
        return "a token's subject may be a user's id"
    if settings.jwt_local_issuer is not None:
        return "each issuer's users are its own, but those of NAVIGATOR_JWT_LOCAL_ISSUER"
    return "each issuer's users are its own"
