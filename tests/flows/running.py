"""A process that runs flows as a worker would, for tests that look at Prefect from outside.

Reads one JSON request a line: {"environment": {…}, "flow": "ingest", "arguments": {…}}; answers
with the final state. Prefect and Great Expectations are imported once for all requests.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from typing import Any

from app.process.startup import YOUNG_OBJECTS


def _run(request: dict[str, Any]) -> dict[str, Any]:
    from flows.backfill import backfill
    from flows.build_space import build_space
    from flows.check_spaces import check_spaces
    from flows.drift import drift
    from flows.ingest import ingest
    from flows.ingest_documents import ingest_documents
    from flows.maintain import maintain
    from flows.sync_source import sync_source
    from flows.watch import watch

    os.environ.update(request["environment"])
    flows: dict[str, Any] = {
        "ingest": ingest, "backfill": backfill, "ingest-documents": ingest_documents,
        "maintain": maintain, "drift": drift, "sync-source": sync_source,
        "build-space": build_space, "check-spaces": check_spaces,
        "watch": watch,
    }  # fmt: skip
    flow = flows[request["flow"]]
    try:
        state = asyncio.run(flow(**request["arguments"], return_state=True))
    except Exception as error:
        return {"type": "RAISED", "name": type(error).__name__, "message": str(error)}
    return {"type": state.type.value, "name": state.name, "message": state.message}


def main() -> None:
    """Answer requests until standard input ends."""
    gc.set_threshold(YOUNG_OBJECTS)
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the flows print is no answer
    for line in sys.stdin:
        answers.write(json.dumps(_run(json.loads(line))) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
