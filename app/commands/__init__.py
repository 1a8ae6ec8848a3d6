"""The commands of `navigator`: each reads its options, calls, and prints."""
