"""Prefect's server as we run and reach it: started, guarded, watched."""
