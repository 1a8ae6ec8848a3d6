"""Prefect blocks: forms over the clients of database, storage, parser, embedder and alerts."""
