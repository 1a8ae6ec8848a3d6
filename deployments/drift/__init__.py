"""Drift: what an environment declares against what is, explained, and repaired where safe."""
