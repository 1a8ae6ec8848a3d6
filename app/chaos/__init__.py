"""Chaos tests: experiments that kill, freeze and cut off a real installation, with an oracle.

Each experiment works in an installation of its own (`installations`), takes made-up documents
(`documents`) in once undisturbed and once disturbed, and has `oracle` compare the two with what the
mock servers for the outside services have billed.
"""
