"""Verification: holds an environment against a recorded baseline, by a canary corpus and facts."""
