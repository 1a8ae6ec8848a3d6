"""The whole system on one machine: what `navigator up` starts, watches, checks and saves."""
