"""Insurance Navigator from Python: documents become a searchable, quality-gated corpus.

    from insurance_navigator import Navigator

    with Navigator() as navigator:
        navigator.ingest("policies/")
        for passage in navigator.search("Is hail damage covered?").passages:
            print(passage.document, passage.page_first, passage.text)

`Navigator` blocks; `AsyncNavigator` has the same methods as coroutines. docs/python.md lists them.
"""

import logging

from insurance_navigator.async_navigator import AsyncNavigator
from insurance_navigator.navigator import Navigator
from insurance_navigator.results import (
    Companion,
    DeleteResult,
    Document,
    DocumentList,
    Gap,
    IngestedDocument,
    IngestResult,
    Passage,
    PlannedDocument,
    PlanResult,
    Problem,
    RejectedFile,
    Run,
    SearchResult,
    StatusResult,
    StoppedRun,
)
from pipeline.citations import Citation, Copy, PageBox, TableRows
from pipeline.errors import (
    BrokenGate,
    ConfigurationError,
    DatabaseUnavailable,
    NavigatorError,
    RateLimited,
    RunStopped,
    ServiceUnavailable,
    StorageUnavailable,
    TransientError,
    Unforeseen,
    UsageError,
)

__all__ = [
    "AsyncNavigator",
    "BrokenGate",
    "Citation",
    "Companion",
    "ConfigurationError",
    "Copy",
    "DatabaseUnavailable",
    "DeleteResult",
    "Document",
    "DocumentList",
    "Gap",
    "IngestResult",
    "IngestedDocument",
    "Navigator",
    "NavigatorError",
    "PageBox",
    "Passage",
    "PlanResult",
    "PlannedDocument",
    "Problem",
    "RateLimited",
    "RejectedFile",
    "Run",
    "RunStopped",
    "SearchResult",
    "ServiceUnavailable",
    "StatusResult",
    "StoppedRun",
    "StorageUnavailable",
    "TableRows",
    "TransientError",
    "Unforeseen",
    "UsageError",
]

# A library's events are the program's to show: without a handler of its own it sees none of them.
logging.getLogger("navigator").addHandler(logging.NullHandler())
