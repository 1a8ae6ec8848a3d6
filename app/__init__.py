"""The ways in: the command line and what it needs to run on one machine."""
