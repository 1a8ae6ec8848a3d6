"""Alerts: the ledger that every one of them goes through, and the messages that reach people."""
