"""Sets up an installation to break: home, Postgres, Prefect server and mock servers of its own.

Nothing of the person's own settings, home or database is used.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from app.chaos.command_process import Command, start_command
from app.chaos.oracle import Bill
from mocks import LlamaParseMock, OpenAIMock
from pipeline.identity import user_id
from pipeline.store.database_urls import Addresses

BATCH_INPUTS = 4
CHUNK_TOKENS = 100
"""How requests and chunks are cut, where an experiment does not say otherwise."""

CLEAN, DISTURBED = "clean", "disturbed"
"""The users that experiments work for: one whom nothing befalls, and the other."""

# What may stand in a person's environment and must not reach an experiment.
_THEIRS = ("NAVIGATOR_", "OPENAI_", "LLAMA_", "PREFECT_", "DATABASE_URL", "PG")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
SETTINGS = {
    "NAVIGATOR_EMBEDDER": "openai",
    "OPENAI_API_KEY": "sk-chaos",
    "NAVIGATOR_EMBEDDING_BATCH_INPUTS": str(BATCH_INPUTS),
    # One request at a time, so that a kill can cost one.
    "NAVIGATOR_EMBEDDING_CONCURRENCY": "1",
    "NAVIGATOR_CONCURRENCY": "1",
    "NAVIGATOR_CHUNK_TOKENS": str(CHUNK_TOKENS),
    "NAVIGATOR_CHUNK_OVERLAP_TOKENS": "10",
    "NAVIGATOR_HNSW_MIN_VECTORS": str(10**9),
}


@dataclass
class Installation:
    """Where everything of one experiment is.

    Attributes:
        variables: the environment of its commands, complete.
        embedded: the folder of its Postgres; None where another one is used.
    """

    folder: Path
    addresses: Addresses
    openai: OpenAIMock
    llamaparse: LlamaParseMock
    variables: Mapping[str, str]
    embedded: Path | None = None
    commands: list[Command] = field(default_factory=list)

    @property
    def documents(self) -> Path:
        """Where the experiment's documents are written."""
        return self.folder / "documents"

    @property
    def request_tokens(self) -> int:
        """The most tokens of one request: what a fault may cost."""
        return int(self.variables["NAVIGATOR_EMBEDDING_BATCH_INPUTS"]) * CHUNK_TOKENS

    def start(self, *arguments: object, user: str = DISTURBED, **variables: str) -> Command:
        """Start a command for a user."""
        logs = self.folder / "commands"
        logs.mkdir(exist_ok=True)
        environment = {**self.variables, "NAVIGATOR_USER": user, **variables}
        command = start_command(logs, [*map(str, arguments)], environment, len(self.commands))
        self.commands.append(command)
        return command

    def ingest(self, *more: object, user: str = DISTURBED, **variables: str) -> Command:
        """Start an ingest of all documents."""
        return self.start("ingest", self.documents, "--json", *more, user=user, **variables)

    def bill(self) -> Bill:
        """What the embedder has billed since its last reset."""
        stats = self.openai.stats()
        repeated = stats["billed_tokens"] - stats["unique_tokens"]
        return Bill(stats["requests"], stats["billed_tokens"], repeated)

    def end(self) -> None:
        """End every command that still runs."""
        for command in self.commands:
            command.end()


def user(name: str) -> UUID:
    """The id of one of the experiment's users."""
    return user_id(name)


@contextmanager
def own_installation(
    settings: Mapping[str, str] | None = None, *, latency: float = 0.0, prefect: bool = True
) -> Iterator[Installation]:
    """Make an installation in a temporary folder, which goes with this process.

    Args:
        settings: variables beside or instead of `SETTINGS`.
        latency: seconds that each request to the embedder takes.
        prefect: whether there is a Prefect server, which commands need.
    """
    folder = Path(tempfile.mkdtemp(prefix="navigator-chaos-"))
    # First, so that it comes last: Postgres and Prefect end with this process too, before it.
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _forget_surroundings(folder)
    with (
        OpenAIMock(process=True, latency=latency) as openai,
        LlamaParseMock(process=True, time_scale=0.01) as llamaparse,
    ):
        made = _started(folder, openai, llamaparse, settings or {}, prefect=prefect)
        try:
            yield made
        finally:
            made.end()


def _forget_surroundings(folder: Path) -> None:
    for name in list(os.environ):
        if name.startswith(_THEIRS) or name.lower() in _PROXIES:
            del os.environ[name]
    # Also what has no variable of its own is looked for where nothing is.
    os.environ |= {"NAVIGATOR_HOME": str(folder / "home"), "XDG_DATA_HOME": str(folder / "data")}


def _started(
    folder: Path,
    openai: OpenAIMock,
    llamaparse: LlamaParseMock,
    settings: Mapping[str, str],
    *,
    prefect: bool,
) -> Installation:
    from app.prefect.server import provide_prefect
    from pipeline.store.embedded import open_embedded
    from pipeline.store.migrating import prepare

    home = folder / "home"
    home.mkdir(mode=0o700)
    # Held by this process too, so that they outlive the commands that are killed.
    addresses = open_embedded(home / "postgres")
    prepare(addresses)
    if prefect:
        provide_prefect(home)
    variables = {**os.environ, **SETTINGS, **mock_variables(openai, llamaparse), **settings}
    return Installation(folder, addresses, openai, llamaparse, variables, home / "postgres")


def mock_variables(openai: OpenAIMock, llamaparse: LlamaParseMock) -> dict[str, str]:
    """Variables that say where the mock servers are."""
    return {
        "OPENAI_BASE_URL": openai.base_url,
        "LLAMA_CLOUD_BASE_URL": llamaparse.base_url,
        "LLAMA_CLOUD_API_KEY": "llx-chaos",
    }
