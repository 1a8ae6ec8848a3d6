"""The outside world: embedders, parsers, storage, and the network between us and them."""
