"""The Model Context Protocol (MCP): assistants search and read a corpus, and change nothing."""
