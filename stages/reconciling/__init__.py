"""Maintenance without Prefect: looks for damage, mends what is safe, and says what is left."""
