"""Mock servers of the outside services, over real sockets, with scripted faults.

They import nothing else of ours; only the tests and the command line import them.
"""

from mocks.instance import LlamaParseMock, OpenAIMock

__all__ = ["LlamaParseMock", "OpenAIMock"]
