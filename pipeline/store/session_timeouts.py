"""Sets timeouts of idle connections and transactions, so that no frozen client blocks others.

A process that is stopped, or a machine that is cut off, keeps its locks until Postgres ends its
transaction; and a client of a Postgres that is cut off waits for ever unless TCP gives up.
"""

from __future__ import annotations

from typing import Any

import psycopg

IDLE_SECONDS = 60.0
"""A transaction whose client says nothing for so long is ended; the pipeline takes its lease."""

LEAST_IDLE_SECONDS = 10.0
"""A process that is only busy may say nothing for seconds, however short its lease is."""

STATEMENT_MILLISECONDS = 15 * 60 * 1000
"""No statement of the pipeline or of a reader takes so long unless it waits for a lock in vain."""

LASTING: dict[str, Any] = {
    "connect_timeout": 10,
    "application_name": "insurance-navigator",
    # A silent peer is asked after 30 s and given up a minute later; what was sent and is not
    # acknowledged is given up after a minute.
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 6,
    "tcp_user_timeout": 60_000,
}
"""Arguments of every connection of ours, for libpq."""

ENDED_BY_POSTGRES = (
    psycopg.errors.IdleInTransactionSessionTimeout,
    psycopg.errors.TransactionTimeout,
)
"""Ends of a session by a time limit, which are no `OperationalError`."""

LONG_WORK = (
    "SET idle_in_transaction_session_timeout = '15min'",
    "SET idle_session_timeout = '15min'",
)
"""For sessions whose statements may take as long as they need, and which are alone in their work:
migrations, backups, restoring. A frozen one is ended all the same, with the locks that it holds."""

_SAID = {
    "25P03": "Postgres ended a transaction in which this process had been silent for too long.",
    "25P04": "Postgres ended a transaction that took longer than its time limit.",
    "57P05": "Postgres ended a connection that had been silent for too long.",
    "57014": "Postgres ended a statement that took longer than its time limit.",
    "55P03": "A lock in Postgres was not free within its time limit.",
    "40P01": "Postgres ended one of two transactions that waited for each other.",
}


def sentence(sqlstate: str) -> str | None:
    """What an error of Postgres about waiting means, in one sentence; None for any other."""
    return _SAID.get(sqlstate)
