"""Defines the local load, which `navigator load` multiplies: users, documents, rates, sizes.

`docs/capacity.md` has the same figures as a table, and a test holds the two together.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What users ask of the API; each is one endpoint, measured by itself."""

    UPLOAD = "upload"
    FOLDER = "folder"
    STATUS = "status"
    SEARCH = "search"
    OVERVIEW = "overview"
    JOBS = "jobs"


@dataclass(frozen=True, slots=True)
class Rate:
    """How often one user asks for something.

    Attributes:
        per_minute: of one user, on average; arrivals are a Poisson process.
        endpoint: of the API.
        source: where the figure comes from.
    """

    per_minute: float
    endpoint: str
    source: str


USERS = 5
"""Of the local load: a tenth of the fifty clients of `python -m benchmarks.api`."""

FOLDER_DOCUMENTS = 20
"""Of a folder that a user drops on the dashboard."""

FOLDER_AT_ONCE = 2
"""Files that the dashboard sends at a time (`AT_ONCE` in `app/api/dashboard/uploads.js`)."""

DOCUMENT_SECTIONS = (8, 20)
"""Of a document: 4 to 10 kB of text, as in the corpus of `python -m benchmarks`."""

LOCAL_LOAD = {
    Kind.UPLOAD: Rate(1, "POST /documents", "one document a minute while a person works"),
    Kind.FOLDER: Rate(
        0.1, "POST /documents", f"a folder of {FOLDER_DOCUMENTS} files in ten minutes"
    ),
    Kind.STATUS: Rate(
        12, "GET /jobs/{id}", "each upload is watched for six seconds, twice a second"
    ),
    Kind.SEARCH: Rate(2, "POST /search", "two questions a minute"),
    Kind.OVERVIEW: Rate(6, "GET /overview", "an open dashboard asks every ten seconds"),
    Kind.JOBS: Rate(6, "GET /jobs", "an open dashboard asks every ten seconds"),
}


def users(times: float) -> int:
    """How many users so many times the local load has."""
    return max(1, round(USERS * times))


def documents_per_minute(times: float) -> float:
    """How many documents are taken in a minute."""
    one = LOCAL_LOAD[Kind.UPLOAD].per_minute
    folders = LOCAL_LOAD[Kind.FOLDER].per_minute * FOLDER_DOCUMENTS
    return users(times) * (one + folders)
