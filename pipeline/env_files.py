"""Finds and reads the settings file (.env): which one, whether it can be trusted.

It comes from who runs the program: the home folder, or a file that an option or a variable names.
What lies in the current folder was perhaps put there by whoever made the documents.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Collection, Mapping
from pathlib import Path

import platformdirs
from dotenv import dotenv_values

from pipeline.errors import ConfigurationError
from pipeline.regular_files import blocks, opened

NAME = ".env"
VARIABLE = "NAVIGATOR_ENV_FILE"
HOME = "NAVIGATOR_HOME"
ENVIRONMENT = "NAVIGATOR_ENVIRONMENT"
"""Names the environment that a process is to be of, and is of."""
ENTERED = "NAVIGATOR_ENVIRONMENT_ENTERED"
"""Names the environment whose variables a process has; they are all that it has."""
_MOST_BYTES = 1024 * 1024
_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def default_home() -> Path:
    """The home folder when none is named."""
    return platformdirs.user_data_path("insurance-navigator")


def env_file() -> Path | None:
    """The file that settings are read from, absolute; None when there is none.

    A process of an environment reads none: what it has was checked as a whole.

    Raises:
        ConfigurationError: the one that is named does not exist.
    """
    if os.environ.get(ENTERED):
        return None
    if named := os.environ.get(VARIABLE):
        path = Path(named).expanduser().absolute()
        if not path.is_file():
            raise ConfigurationError(
                f"There is no file {path}, which is to hold the settings.",
                remedy=f"Correct --env-file or {VARIABLE}, or leave it out.",
            )
        return path
    home = os.environ.get(HOME)
    path = (Path(home).expanduser() if home else default_home()).absolute() / NAME
    return path if path.exists() else None


def passed_over() -> Path | None:
    """A file in the current folder that is not read, though a person might think so."""
    try:
        path = Path.cwd() / NAME
        if not path.is_file():
            return None
        used = env_file()
        return None if used is not None and used.samefile(path) else path
    except OSError:
        return None


def read_env_file() -> Mapping[str, str]:
    """The variables of the file with settings; empty when there is none.

    Raises:
        ConfigurationError: it cannot be read, or somebody else could have written it.
    """
    if (path := env_file()) is None:
        return {}
    try:
        values = dotenv_values(stream=io.StringIO(_text(path)))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"The file {path} cannot be read ({type(error).__name__}).",
            remedy="Save it as UTF-8 text that you may read, or remove it.",
        ) from None
    return {name: value for name, value in values.items() if value}


def _text(path: Path) -> str:
    with opened(path) as descriptor:
        found = os.fstat(descriptor)
        refuse_others(path, found)
        if found.st_size > _MOST_BYTES:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG))
        return b"".join(blocks(descriptor, _MOST_BYTES)).decode("utf-8-sig")


def refuse_others(path: Path, found: os.stat_result) -> None:
    """Refuse settings that somebody else could have written.

    Raises:
        ConfigurationError: the file is another's, or others may write it.
    """
    if found.st_uid not in (os.geteuid(), 0):
        raise ConfigurationError(
            f"The file {path} belongs to somebody else, so its settings are not used.",
            remedy="Make a copy that is yours, or name another file with --env-file.",
        )
    if found.st_mode & _OTHERS_WRITE:
        raise ConfigurationError(
            f"The file {path} can be written by others, so its settings are not used.",
            remedy=f"Look whether it is as you left it, then: chmod go-w '{path}'",
        )


def absolute_values(
    folder: Path, values: Mapping[str, str], names: Collection[str]
) -> dict[str, str]:
    """The values of the named variables that are relative paths, as paths from a folder."""
    return {
        name: str(folder / value)
        for name, value in values.items()
        if name.upper() in names and value and "://" not in value and not _is_absolute(value)
    }


def _is_absolute(value: str) -> bool:
    return value.startswith("~") or Path(value).is_absolute()
