"""Builds a release from a checkout: the same source gives the same wheel, and the same id."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import tomllib
from datetime import UTC, datetime
from pathlib import Path

from deployments.releases.archive import Packed
from deployments.releases.release import Release
from pipeline.child_processes import (
    NEUTRAL_FOLDER,
    child_environment,
    last_words,
    module_command,
)
from pipeline.errors import UsageError
from pipeline.identity import sha256_hex

_FILES = ("pyproject.toml", "README.md", "LICENSE", "prefect.yaml", "requirements.lock")
_DATA = "samples/files"
_SECONDS = 300
# Times inside the wheel are this one, so that they do not change its hash (1 January 1980).
_EPOCH = "315532800"


def build(
    source: Path, *, image: str | None = None, baseline: bytes | None = None, dirty: bool = False
) -> Packed:
    """Build a release.

    Args:
        source: a checkout.
        image: of container pools, as repository@sha256:digest.
        baseline: what environments are verified against.
        dirty: take changes that are not committed.

    Raises:
        UsageError: it is no checkout, has changes, or its code does not build or load.
    """
    if not (source / "pyproject.toml").is_file() or not (source / "flows").is_dir():
        raise UsageError(
            f"{source} is no checkout of Insurance Navigator.",
            remedy="Name one with --source; an installed package cannot be built again.",
        )
    if image is not None and "@sha256:" not in image:
        raise UsageError(
            f"The image {image} has no digest.",
            remedy="Name it as repository@sha256:…: a tag may mean another image tomorrow.",
        )
    commit = _commit(source, dirty=dirty)
    with tempfile.TemporaryDirectory(prefix="navigator-release-") as folder:
        wheel = _wheel(source, Path(folder))
        site = Path(folder) / "site"
        shutil.unpack_archive(wheel, site, "zip")
        facts = _facts(site)
        data = wheel.read_bytes()
    lock = (source / "requirements.lock").read_bytes()
    project = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))["project"]
    release = Release(
        version=project["version"],
        commit=commit,
        wheel=wheel.name,
        wheel_sha256=sha256_hex(data),
        lock_sha256=sha256_hex(lock),
        image=image,
        baseline_sha256=None if baseline is None else sha256_hex(baseline),
        built_at=datetime.now(UTC),
        **facts,
    )
    return Packed(release, data, lock, baseline)


def _commit(source: Path, *, dirty: bool) -> str | None:
    """The commit of the source; None where it is not under git."""
    git = ["git", "-C", str(source)]
    found = subprocess.run([*git, "rev-parse", "HEAD"], capture_output=True, text=True)  # noqa: S603
    if found.returncode != 0:
        return None
    changed = subprocess.run(  # noqa: S603
        [*git, "status", "--porcelain"], capture_output=True, text=True
    ).stdout.strip()
    if changed and not dirty:
        raise UsageError(
            f"{source} has changes that are not committed.",
            remedy="Commit them, or add --dirty; then nobody else can make this release again.",
        )
    return found.stdout.strip() + ("-dirty" if changed else "")


def _wheel(source: Path, folder: Path) -> Path:
    """Build in a copy: building leaves folders beside the source."""
    copy, out = folder / "source", folder / "wheel"
    copy.mkdir()
    for each in _packages(source):
        shutil.copytree(each, copy / each.name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in _FILES:
        if (source / name).is_file():
            shutil.copyfile(source / name, copy / name)
    shutil.copytree(source / _DATA, copy / _DATA)
    command = module_command("pip", "wheel", "--quiet", "--disable-pip-version-check", "--no-deps",
                             "--no-index", "--no-build-isolation", "--wheel-dir", str(out),
                             str(copy))  # fmt: skip
    _run(command, {"SOURCE_DATE_EPOCH": _EPOCH}, "The release cannot be built")
    [wheel] = out.glob("*.whl")
    return wheel


def _packages(source: Path) -> list[Path]:
    found = tomllib.loads((source / "pyproject.toml").read_text("utf-8"))
    names = found["tool"]["setuptools"]["packages"]["find"]["include"]
    return [source / name.rstrip("*") for name in names]


def _facts(site: Path) -> dict[str, object]:
    """What the built code says of itself, in a process of its own."""
    command = module_command("deployments.releases.facts")
    told = _run(command, {"PYTHONPATH": str(site)}, "The release's code does not load")
    found: dict[str, object] = json.loads(told)
    return found


def _run(command: list[str], variables: dict[str, str], what: str) -> str:
    settings = {name: value for name, value in os.environ.items() if "NAVIGATOR_" not in name}
    done = subprocess.run(  # noqa: S603
        command, env={**child_environment(settings), **variables}, cwd=NEUTRAL_FOLDER,
        capture_output=True, text=True, timeout=_SECONDS,
    )  # fmt: skip
    if done.returncode != 0:
        raise UsageError(
            f"{what}: {last_words(done.returncode, done.stderr)}",
            remedy="Correct the source, and try again.",
        )
    return done.stdout
