"""Prefect flows: plans of what runs in which order, with thin tasks.

`ingest` takes sources in and hands batches to `ingest_documents`, the one subflow; `backfill`
hands it jobs that wait or failed. What a stage does to a batch is in `stages`, which knows
no Prefect.
"""

import os

if os.environ.get("PREFECT__FLOW_RUN_ID"):
    # A process that Prefect started for one run: it loads the blocks that a person chose for it
    # before any flow is called, and finds their classes only when they are imported.
    import blocks.registry  # noqa: F401
