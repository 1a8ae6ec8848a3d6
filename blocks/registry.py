"""Registers every block type of ours: ``prefect block register -m blocks.registry``.

Importing it is also what lets Prefect turn a saved block into its class.
"""

from blocks.alert_block import AlertBlock
from blocks.database_block import DatabaseBlock
from blocks.embedder_blocks import LocalEmbedderBlock, OpenAIEmbedderBlock
from blocks.parser_blocks import LlamaParseBlock, LocalParserBlock
from blocks.storage_block import StorageBlock

BLOCK_TYPES = (
    DatabaseBlock,
    StorageBlock,
    LlamaParseBlock,
    LocalParserBlock,
    OpenAIEmbedderBlock,
    LocalEmbedderBlock,
    AlertBlock,
)

__all__ = [
    "BLOCK_TYPES",
    "AlertBlock",
    "DatabaseBlock",
    "LlamaParseBlock",
    "LocalEmbedderBlock",
    "LocalParserBlock",
    "OpenAIEmbedderBlock",
    "StorageBlock",
]
