"""Load test (`navigator load`): many times the local load on what runs, and whether it holds."""
