"""Defines an alert: one thing about the installation that a person is to know of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """Orders alerts by how soon somebody has to look."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True)
class Alert:
    """Says what is wrong, on what evidence, and where to read what to do.

    It names no document and no person: a channel may be read by others than the documents' owner.

    Attributes:
        kind: What went wrong, as `circuit-open`; its entry in docs/runbook.md has the same name.
        key: What it went wrong with, as `openai`; alerts of one kind and key are one while open.
        title: One sentence for a person.
        evidence: Figures by their names, with units in the names; JSON.
        cause: The likely cause, one sentence; empty when it is not known.
    """

    kind: str
    key: str
    severity: Severity
    title: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""
