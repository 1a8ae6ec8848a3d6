"""A process that has imported what reading commands need, and runs them for the command line."""
