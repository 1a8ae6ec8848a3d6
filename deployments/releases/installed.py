"""Installs releases into a home's folder `releases`, and says which one is current there.

A release's code is its wheel, unpacked: processes find it first by PYTHONPATH, and their children
too. Its dependencies are those of this Python when that has what the lock names, else a virtual
environment of its own, made from the lock.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import venv
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4

from packaging.requirements import Requirement

from deployments.environment import Environment
from deployments.releases.archive import Packed
from deployments.releases.release import VARIABLE
from pipeline.child_processes import NEUTRAL_FOLDER, OWN_PYTHON, die_with_parent, safe_search_paths
from pipeline.errors import ConfigurationError, UsageError
from pipeline.private_files import open_home

_CURRENT = "current.json"
_SITE = "site"
_FACTS = "installed.json"
_PIN = re.compile(r"\A[A-Za-z0-9._-]++(?:\[[^\]]*+\])?+==")
_INSTALL_SECONDS = 1200


@dataclass(frozen=True, slots=True)
class InstalledRelease:
    """A release's code on this machine.

    Attributes:
        python: the interpreter that has its dependencies.
        site: the folder of its packages.
        image: of container pools, with its digest.
    """

    id: str
    python: str
    site: Path
    image: str | None = None

    def variables(self) -> dict[str, str]:
        """What a process needs to run this code, and to say so."""
        return {"PYTHONPATH": str(self.site), "PYTHONSAFEPATH": "1", VARIABLE: self.id}

    def run(
        self,
        module: str,
        *arguments: str,
        variables: Mapping[str, str],
        seconds: float = 600,
        folder: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run a module of the release to its end; it ends with this process.

        Raises:
            subprocess.TimeoutExpired: it takes longer, and was ended.
        """
        clean = {name: value for name, value in variables.items() if name != "PYTHONPATH"}
        return subprocess.run(  # noqa: S603
            [self.python, "-P", "-m", module, *arguments],
            env={**clean, **safe_search_paths(clean), **self.variables()},
            cwd=folder or NEUTRAL_FOLDER, capture_output=True, text=True, timeout=seconds,
            stdin=subprocess.DEVNULL, preexec_fn=die_with_parent,
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Current:
    """What a home's services run: a release, in an environment as it was declared."""

    release: InstalledRelease
    environment: Environment


def releases_folder(home: Path) -> Path:
    """Where a home's releases lie."""
    return home / "releases"


def install(home: Path, packed: Packed) -> InstalledRelease:
    """Unpack a release, once; what is there whole is used as it is.

    Raises:
        UsageError: the wheel's files are not those that it lists.
        ConfigurationError: its dependencies cannot be installed.
    """
    open_home(home)
    folder = releases_folder(home) / packed.release.id
    if not (folder / _SITE).is_dir():
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        draft = folder.parent / f".{packed.release.id}-{uuid4().hex[:8]}"
        _unpack(packed.wheel, draft / _SITE)
        python = _python(packed.lock, draft, folder)
        told = {"python": python, "image": packed.release.image}
        (draft / _FACTS).write_text(json.dumps(told), "utf-8")
        try:
            draft.rename(folder)
        except OSError:  # somebody else was quicker
            shutil.rmtree(draft, ignore_errors=True)
    return installed(home, packed.release.id)


def installed(home: Path, release_id: str) -> InstalledRelease:
    """A release that was installed in this home.

    Raises:
        ConfigurationError: it is not there.
    """
    folder = releases_folder(home) / release_id
    try:
        told = json.loads((folder / _FACTS).read_text("utf-8"))
    except (OSError, ValueError):
        raise ConfigurationError(
            f"The release {release_id} is not installed in {home}.",
            remedy="Deploy it again.",
        ) from None
    return InstalledRelease(release_id, told["python"], folder / _SITE, told["image"])


def _unpack(wheel: bytes, site: Path) -> None:
    site.mkdir(parents=True, mode=0o700)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name, digest in _listed(archive):
            if digest and _digest(archive.read(name)) != digest:
                raise UsageError(f"The release's wheel has another {name} than it lists.")
        archive.extractall(site)


def _listed(archive: zipfile.ZipFile) -> Iterator[tuple[str, str]]:
    [record] = [name for name in archive.namelist() if name.endswith(".dist-info/RECORD")]
    for name, digest, _ in csv.reader(io.StringIO(archive.read(record).decode("utf-8"))):
        yield name, digest.removeprefix("sha256=")


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _python(lock: bytes, draft: Path, folder: Path) -> str:
    """The interpreter for a lock: this one when it has everything, else one of its own."""
    if not (lacking := _lacking(lock.decode("utf-8"))):
        return OWN_PYTHON
    (draft / "requirements.lock").write_bytes(lock)
    venv.create(draft / "venv", with_pip=True)
    done = subprocess.run(  # noqa: S603
        [draft / "venv/bin/python", "-m", "pip", "install", "--quiet", "--require-hashes",
         "--disable-pip-version-check", "-r", draft / "requirements.lock"],
        capture_output=True, text=True, timeout=_INSTALL_SECONDS, cwd=NEUTRAL_FOLDER,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(draft, ignore_errors=True)
        raise ConfigurationError(
            f"The release needs {lacking[0]}, and its dependencies cannot be installed here.",
            remedy="See that the package index can be reached, or deploy from a Python that has "
            "them.",
        )
    return str(folder / "venv/bin/python")


def _lacking(lock: str) -> Sequence[str]:
    """What of a lock this Python has in another version; what it has not at all it may not need.

    The lock also names what only tests and building need.
    """
    pinned = [Requirement(line.rstrip("\\ ")) for line in lock.splitlines() if _PIN.match(line)]
    return [
        str(each)
        for each in pinned
        if each.marker is None or each.marker.evaluate()
        if (found := _version(each.name)) is not None and not each.specifier.contains(found)
    ]


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def current_file(home: Path) -> Path:
    """The file that names the release that a home's services run."""
    return releases_folder(home) / _CURRENT


def switch(home: Path, release: InstalledRelease | None, environment: Environment) -> None:
    """Name the release that the home's services run from now on; None: what is installed there.

    Who reads it finds the old one or the new one.
    """
    path = current_file(home)
    if release is None:
        path.unlink(missing_ok=True)
        return
    told = {"release": release.id, "environment": environment.model_dump(mode="json")}
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(told, indent=2), "utf-8")
    draft.replace(path)


def current(home: Path) -> Current | None:
    """What the home's services run; None where nothing was deployed.

    Raises:
        ConfigurationError: it is named and not there.
    """
    try:
        told: dict[str, Any] = json.loads(current_file(home).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            f"{current_file(home)} cannot be read ({type(error).__name__}).",
            remedy="Deploy again, or remove the file to run what is installed.",
        ) from None
    environment = Environment.model_validate(told["environment"])
    return Current(installed(home, told["release"]), environment)
