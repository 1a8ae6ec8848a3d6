"""Roles of chunks in an insurance document: definition, coverage, exclusion and the like."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """The role of a passage; `OTHER` where headings and wording do not tell it."""

    COVERAGE = "coverage"
    EXCLUSION = "exclusion"
    DEFINITION = "definition"
    CONDITION = "condition"
    LIMIT = "limit"
    CLAIMS = "claims"
    SCHEDULE = "schedule"
    ENDORSEMENT = "endorsement"
    OTHER = "other"
