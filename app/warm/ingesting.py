"""Imports what an ingest needs, so that each one that runs here finds it there.

What is read from the settings here is a guess at what the next command's will say: that command
reads its own, and imports what is missing.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from pathlib import Path

MODULES = (
    "app.cli.ingest", "app.cli.main", "app.prefect.flow_process", "app.prefect.server",
    "app.terminal.errors", "app.terminal.run_view", "checks.company_rules",
    "clients.local.embedders", "clients.parser_pool.sandbox", "clients.storage.object_storage",
    "flows.ingest", "pipeline.chunking.options", "pipeline.document_json",
    "pipeline.store.summary", "pipeline.unknown_variables", "psycopg_binary", "stages.planning",
    "tokenizers", "typer._adapters",
)  # fmt: skip
# What the libraries of these import only when they are used: by the first flow, task, word, seal.
USED_LATE = (
    "anyio._backends._asyncio", "cryptography.hazmat.primitives.asymmetric.ed25519", "fastapi",
    "httpcore2", "prefect.engine", "prefect.flow_engine", "prefect.task_engine",
    "prefect.utilities.visualization", "Stemmer",
)  # fmt: skip
# Likewise the library of an embedder, by the embedder's name.
_OF_EMBEDDERS = {"openai": ("openai",)}


def load_ingest(home: Path) -> None:
    """Import what an ingest needs, with Prefect set up as each of them sets it up."""
    from app.prefect.block_server import QUIET
    from app.prefect.server_command import CLIENT_SETTINGS

    os.environ.update(QUIET | CLIENT_SETTINGS | {"PREFECT_HOME": str(home / "prefect")})
    for module in (*MODULES, *USED_LATE):
        import_module(module)
    from checks.gate import warm_up
    from checks.report import warm_up as warm_up_report

    warm_up()
    warm_up_report()
    with suppress(Exception):  # the ingest itself says what is wrong with its settings
        load_chosen()


def load_chosen() -> None:
    """Import what the embedder of the settings needs, and load its tokenizer.

    Raises:
        NavigatorError: the settings are wrong.
    """
    from pipeline.plugins import EMBEDDERS
    from pipeline.settings import load_settings
    from pipeline.tokens import tokenizer

    settings = load_settings()
    name = settings.resolved_embedder
    if settings.embedder_block or name not in EMBEDDERS.built_in:
        return  # a block is on Prefect's server, and a package's own code may do anything
    for module in _OF_EMBEDDERS.get(name, ()):
        import_module(module)
    tokenizer(EMBEDDERS.load(name).open(settings).tokenizer_name)
