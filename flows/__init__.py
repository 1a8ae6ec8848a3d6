"""Prefect flows: plans of what runs in which order, with thin tasks.

`ingest` takes sources in and hands batches to `ingest_documents`, the one subflow; `backfill`
hands it jobs that wait or failed. What a stage does to a batch is in `stages`, which knows
no Prefect.
"""
