"""The parser's sandbox in the kernel: no network, no foreign files, no new processes."""
