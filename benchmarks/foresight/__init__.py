"""Measures foresight on simulated histories of installations with labelled incidents."""
