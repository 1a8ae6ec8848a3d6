"""Talks to the outside world: embedders, parsers, storage, and the network to them."""
