"""Messages to and from the process of an ingest."""

from __future__ import annotations

from dataclasses import dataclass

from app.ingestion import IngestRequest
from app.terminal.run_report import RunReport
from pipeline.settings import Settings
from pipeline.sources import FoundFiles


@dataclass(frozen=True, slots=True)
class Order:
    """An ingest to run.

    Attributes:
        settings: of whoever asks; this process has to read the same from its environment.
    """

    request: IngestRequest
    settings: Settings


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an ingest.

    Attributes:
        remarks: what the command line would have said on the way.
    """

    report: RunReport
    found: FoundFiles
    remarks: tuple[str, ...]
