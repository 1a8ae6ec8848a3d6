"""The outside world as Prefect blocks: database, storage, parser, embedder, alerts."""
