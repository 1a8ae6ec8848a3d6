"""Process hygiene: environment, working folder, logs, secrets and exit of our processes."""
