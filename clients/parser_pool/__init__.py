"""A pool of sandboxed parser processes: a hostile file costs itself only."""
