"""A process that has imported what reading commands need, and runs them for the command line."""

WARM_COMMANDS = ("status", "list", "search")
"""Commands that only read, and that people type one after the other."""
