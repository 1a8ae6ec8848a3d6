"""Processes that parse: a hostile file costs itself only."""
