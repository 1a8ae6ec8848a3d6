"""The file of a release: its manifest, wheel, lock and baseline in one ZIP archive."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from deployments.releases.release import Release
from pipeline.errors import UsageError
from pipeline.identity import sha256_hex
from pipeline.regular_files import read_regular

_MANIFEST, _LOCK, _BASELINE = "release.json", "requirements.lock", "baseline.json"
_MOST_BYTES = 256 * 1024**2
# Of every entry, so that the same release is the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Packed:
    """A release with everything that it is made of.

    Attributes:
        baseline: what it is verified against; None when none came along.
    """

    release: Release
    wheel: bytes
    lock: bytes
    baseline: bytes | None = None

    def written(self) -> bytes:
        """The archive."""
        parts = {
            _MANIFEST: json.dumps(self.release.told(), indent=2).encode(),
            self.release.wheel: self.wheel,
            _LOCK: self.lock,
        }
        if self.baseline is not None:
            parts[_BASELINE] = self.baseline
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in parts.items():
                archive.writestr(zipfile.ZipInfo(name, _DATE), data)
        return made.getvalue()


def file_name(release: Release) -> str:
    """What the archive is called."""
    return f"insurance-navigator-{release.id}.zip"


def storage_key(release_id: str) -> str:
    """Where an environment's storage keeps it."""
    return f"releases/{release_id}.zip"


def read_release_file(path: Path) -> Packed:
    """Read an archive from a file.

    Raises:
        UsageError: it is none, or it was changed since it was made.
    """
    try:
        data = read_regular(path)
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}).",
            remedy="Name the file that `navigator release` wrote.",
        ) from None
    return unpacked(data, str(path))


def unpacked(data: bytes, where: str) -> Packed:
    """The release of an archive, every part compared with its hash.

    Raises:
        UsageError: it is none, or a part is not what the manifest says.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(each.file_size for each in archive.infolist()) > _MOST_BYTES:
                raise ValueError("too large")
            told = json.loads(archive.read(_MANIFEST))
            named = told.pop("id")
            release = Release.model_validate(told)
            names = archive.namelist()
            packed = Packed(
                release,
                archive.read(release.wheel),
                archive.read(_LOCK),
                archive.read(_BASELINE) if _BASELINE in names else None,
            )
    except (zipfile.BadZipFile, KeyError, ValueError, ValidationError, AttributeError) as error:
        raise UsageError(
            f"{where} is no release ({type(error).__name__}).",
            remedy="Make one with `navigator release`.",
        ) from None
    _require_unchanged(packed, named, where)
    return packed


def _require_unchanged(packed: Packed, named: str, where: str) -> None:
    release = packed.release
    held = {
        "its wheel": (sha256_hex(packed.wheel), release.wheel_sha256),
        "its lock": (sha256_hex(packed.lock), release.lock_sha256),
        "its baseline": (
            None if packed.baseline is None else sha256_hex(packed.baseline),
            release.baseline_sha256,
        ),
        "its manifest": (named, release.id),
    }
    changed = [what for what, (is_, said) in held.items() if is_ != said]
    if changed:
        raise UsageError(
            f"{where} is not as it was made: {', '.join(changed)} changed.",
            remedy="Take the original file, or make the release again.",
        )
