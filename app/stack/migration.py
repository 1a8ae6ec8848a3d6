"""Brings the database's schema to this program's and ends (`python -m app.stack.migration`)."""

from __future__ import annotations

import asyncio
import sys

from app.terminal.console import say
from app.terminal.errors import report_error
from pipeline.errors import ConfigurationError
from pipeline.private_files import keep_private
from pipeline.settings import load_settings
from pipeline.store.migrating import head_revision, prepare
from stages.services import database_addresses


def migrate() -> None:
    """Migrate the database that the settings name, by its owner's login where they name one.

    Raises:
        ConfigurationError: they name none, or the schema cannot be brought forward.
        DatabaseUnavailable: it does not answer.
    """
    settings = load_settings()
    if settings.database_url is None and settings.database_block is None:
        raise ConfigurationError(
            "No database is named whose schema is to be brought forward.",
            remedy="Set DATABASE_URL; the embedded database is brought forward by any command.",
        )
    addresses = asyncio.run(database_addresses(settings))
    prepare(addresses, patience_seconds=settings.database_patience_seconds, told=say)
    say(f"The schema is {head_revision()}.")


def main() -> int:
    """Migrate; the exit code."""
    try:
        migrate()
    except Exception as error:  # whatever it is, it is told in a sentence
        return report_error(error)
    return 0


if __name__ == "__main__":
    keep_private()
    sys.exit(main())
