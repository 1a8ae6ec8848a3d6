"""Turns the sources in `samples/content` into files of the formats people send."""
