"""Counts what was asked and billed: the witness for "nothing is paid for twice"."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

USD_PER_MILLION = {"text-embedding-3-small": 0.02, "text-embedding-3-large": 0.13}
"""Dollars for a million tokens."""


@dataclass
class ParseLedger:
    """Counters of the parsing service; the same bytes in the same tier are the same work."""

    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    uploads: int = 0
    uploaded_bytes: int = 0
    presigned: int = 0
    credits: float = 0.0
    unique_credits: float = 0.0
    paid_jobs: int = 0
    paid_pages: int = 0
    jobs: Counter[tuple[str, str]] = field(default_factory=Counter)
    options: Counter[str] = field(default_factory=Counter)

    def answered(self, status: int, route: str) -> None:
        """Count a request, its status and the address that it went to."""
        self.requests += 1
        self.statuses[str(status)] += 1
        self.routes[route] += 1

    def uploaded(self, size: int) -> None:
        """Count an upload and its bytes."""
        self.uploads += 1
        self.uploaded_bytes += size

    def started(self, sha256: str, tier: str, credits: float, pages: int) -> None:
        """Count a job; its credits are owed from its start, for so many pages."""
        if not self.jobs[sha256, tier]:
            self.unique_credits += credits
        self.jobs[sha256, tier] += 1
        self.credits += credits
        if credits:
            self.paid_jobs += 1
            self.paid_pages += pages

    def stats(self) -> dict[str, Any]:
        """The counters as JSON-able values."""
        return {
            "requests": self.requests,
            "statuses": dict(self.statuses),
            "routes": dict(self.routes),
            "uploads": self.uploads,
            "uploaded_bytes": self.uploaded_bytes,
            "presigned": self.presigned,
            "jobs": self.jobs.total(),
            "unique_jobs": len(self.jobs),
            "repeated_jobs": self.jobs.total() - len(self.jobs),
            "credits": self.credits,
            "unique_credits": self.unique_credits,
            "paid_jobs": self.paid_jobs,
            "paid_pages": self.paid_pages,
            "v1_options": dict(self.options),
        }


@dataclass
class Ledger:
    """Counters of one service.

    An input is the same as an earlier one when model, dimension and tokens are the same.
    """

    requests: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    billed_requests: int = 0
    inputs: int = 0
    billed_tokens: int = 0
    largest_request: int = 0
    unique_tokens: int = 0
    batch_tokens: int = 0
    usd: float = 0.0
    sends: Counter[bytes] = field(default_factory=Counter)

    def answered(self, status: int) -> None:
        """Count a request and its status."""
        self.requests += 1
        self.statuses[str(status)] += 1

    def billed(
        self, model: str, dimension: int, tokens: list[list[int]], *, half_price: bool = False
    ) -> None:
        """Count the inputs of an accepted request; those of a batch cost half."""
        space, total = f"{model}/{dimension}", sum(map(len, tokens))
        self.billed_requests += 1
        self.largest_request = max(self.largest_request, total)
        self.inputs += len(tokens)
        self.batch_tokens += total if half_price else 0
        self.usd += total * USD_PER_MILLION.get(model, 0.0) / 1e6 * (0.5 if half_price else 1.0)
        for ids in tokens:
            digest = hashlib.blake2b(array("i", ids).tobytes(), key=space.encode(), digest_size=16)
            key = digest.digest()
            self.billed_tokens += len(ids)
            if key not in self.sends:
                self.unique_tokens += len(ids)
            self.sends[key] += 1

    def stats(self) -> dict[str, Any]:
        """The counters as JSON-able values."""
        return {
            "requests": self.requests,
            "statuses": dict(self.statuses),
            "billed_requests": self.billed_requests,
            "inputs": self.inputs,
            "unique_inputs": len(self.sends),
            "repeated_inputs": self.inputs - len(self.sends),
            "max_sends": max(self.sends.values(), default=0),
            "billed_tokens": self.billed_tokens,
            "largest_request": self.largest_request,
            "unique_tokens": self.unique_tokens,
            "batch_tokens": self.batch_tokens,
            "usd": round(self.usd, 9),
        }
