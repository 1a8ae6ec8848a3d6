"""Processes that have imported what commands need, and run them for the command line."""

READING, INGESTING = "warm", "engine"
"""Kinds of process, by what they have imported; their sockets are called so."""

WARM_COMMANDS = {"status": READING, "list": READING, "search": READING, "ingest": INGESTING}
"""Commands that run in such a process, with its kind: what people type one after the other."""

NO_DAEMON = "--no-daemon"
"""The option with which a command runs in its own process and leaves nothing running."""

OF_PREFECT, OF_SERVERS = "PREFECT_", "PREFECT_SERVER_"
"""How variables of Prefect begin, and those of them that only its servers read.

Prefect's client reads its own when it is imported: who sets one of these runs cold.
"""
