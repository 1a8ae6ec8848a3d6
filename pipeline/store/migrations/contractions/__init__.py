"""Contractions: what is taken away from the schema one release after it was replaced.

A module is named as a migration (`0012_old_column.py`), says in `after` the revision whose programs
need it no more, and takes it away in `contract(connection)`. `navigator deploy` applies it once no
release that could be gone back to is older than that. `python -m deployments.structure` writes
beside it what it changes of the declared structure (`0012_old_column.json`), by which drift and
verification know a database before it and after it.
"""
