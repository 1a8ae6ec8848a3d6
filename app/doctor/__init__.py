"""The checks of `navigator doctor`, part by part."""
