"""Latency of the HTTP API under load, beside a hand-written one: `python -m benchmarks.api`."""
