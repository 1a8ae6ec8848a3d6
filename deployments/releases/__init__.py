"""Releases: built once, deployed to one environment after the other, verified, taken back."""
