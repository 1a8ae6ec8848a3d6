"""The parser's sandbox in the kernel's terms: no network, no foreign files, no new processes."""
