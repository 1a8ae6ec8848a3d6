"""Makes the environment safe for what a command starts: search paths, proxies, settings files."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pipeline.child_processes import CHILD, safe_search_paths
from pipeline.env_files import (
    ENTERED,
    ENVIRONMENT,
    HOME,
    NAME,
    VARIABLE,
    absolute_values,
    default_home,
    env_file,
    passed_over,
    read_env_file,
)
from pipeline.errors import ConfigurationError, UsageError
from pipeline.loopback import direct_loopback

_OF_NONE = "env"
"""The command that looks at environments from outside: it must not be in one, so that it can say
what is wrong with that."""

_IDLE = ("NAVIGATOR_DATABASE_IDLE_SECONDS", "NAVIGATOR_ENGINE_IDLE_SECONDS")

# Files that libraries find by a variable; they have to mean the same after the folder was left.
_OF_LIBRARIES = (
    "TESSDATA_PREFIX", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE",
    "NETRC", "PGPASSFILE", "PGSERVICEFILE", "PGSSLROOTCERT", "PGSSLCERT", "PGSSLKEY",
    "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE",
    "GOOGLE_APPLICATION_CREDENTIALS", "AZURE_FEDERATED_TOKEN_FILE", "HF_HOME", "PREFECT_HOME",
    "PREFECT_PROFILES_PATH", "PREFECT_LOGGING_SETTINGS_PATH", "TMPDIR",
)  # fmt: skip


def settle(named: Path | None, environment: str | None = None, command: str | None = None) -> None:
    """Make the environment safe for what is started, and say what a person may not expect.

    Args:
        named: the file with settings that the option names.
        environment: the environment that the option names.
        command: that is to run; those of `navigator env` are of no environment.

    Raises:
        UsageError: both are named.
        ConfigurationError: the environment's file is wrong, or its secrets are missing.
        ServiceUnavailable: a secret is in a block, and its Prefect server does not answer.
    """
    if command != _OF_NONE:
        _enter(environment, named, command)
    if named is not None:
        os.environ[VARIABLE] = str(named.expanduser().absolute())
    os.environ.update(safe_search_paths(os.environ) | direct_loopback(os.environ))
    _make_paths_absolute()
    _take_prefect_settings()
    if CHILD not in os.environ:
        _say_remarks()


def leave_nothing_running() -> None:
    """Have what this process starts end with it, whatever the settings say."""
    os.environ.update(dict.fromkeys(_IDLE, "0"))


def _enter(name: str | None, file: Path | None, command: str | None) -> None:
    """Be of the environment that the option or NAVIGATOR_ENVIRONMENT names, if not already."""
    wanted = name or os.environ.get(ENVIRONMENT)
    if not wanted or (name is None and os.environ.get(ENTERED) == wanted):
        return
    if file is not None:
        raise UsageError(
            "An environment has all its settings, so --env-file cannot be added to it.",
            remedy="Leave one of the two out.",
        )
    from deployments.environment_files import load_environment
    from deployments.environment_variables import enter

    environment = load_environment(wanted)
    enter(environment)
    if command == "up" and environment.services.kind == "home":
        # `up` runs the environment's Prefect server here, and uses no other.
        os.environ.pop("PREFECT_API_URL", None)


def _make_paths_absolute() -> None:
    from pipeline.env_source import path_variables
    from pipeline.settings import Settings

    names = {*path_variables(Settings), VARIABLE, HOME, *_OF_LIBRARIES}
    with suppress(OSError):  # a folder that has been removed: what is relative leads nowhere
        os.environ.update(absolute_values(Path.cwd(), os.environ, names))


def _take_prefect_settings() -> None:
    """Prefect's settings in the file, which Prefect itself would look for in the current folder."""
    try:
        values = read_env_file()
    except ConfigurationError:
        return  # told when the settings are read
    for name, value in values.items():
        if name.startswith("PREFECT_"):
            os.environ.setdefault(name, value)


def _say_remarks() -> None:
    from app.terminal.console import say

    for sentence in remarks():
        say(sentence, "yellow")


def remarks() -> Iterator[str]:
    """What a person may not expect of the settings: one sentence for each."""
    if (path := passed_over()) is not None:
        yield f"The file {path} is not read: {where_instead()}"
    yield from unknown()


def where_instead() -> str:
    """Where settings are read from, as the end of a sentence."""
    home = Path(os.environ.get(HOME) or default_home())
    return f"settings come from {home / NAME}, or from a file that --env-file or {VARIABLE} names."


def unknown() -> Iterator[str]:
    """Each variable that looks like a setting and is none."""
    from pipeline.unknown_variables import sentence, unknown_variables

    for name, nearest in unknown_variables(os.environ).items():
        yield sentence(name, nearest, "in the environment")
    try:
        path, values = env_file(), read_env_file()
    except ConfigurationError:
        return  # told when the settings are read
    for name, nearest in unknown_variables(values).items():
        yield sentence(name, nearest, f"in {path}")
