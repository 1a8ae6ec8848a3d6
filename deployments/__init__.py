"""Deployment on a Prefect server: where a worker finds the code, which blocks are saved."""
