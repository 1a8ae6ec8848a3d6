"""The local stack: what `navigator up` starts, supervises, checks and backs up."""
