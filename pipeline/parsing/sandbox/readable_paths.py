"""Lists the paths that a parser may read: its libraries, fonts and tesseract's data."""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share", "/usr/local/share",
    "/etc/ld.so.cache", "/etc/fonts", "/etc/localtime", "/etc/timezone", "/etc/mime.types",
    "/dev/null", "/dev/zero", "/dev/urandom", "/sys/devices/system/cpu",
)  # fmt: skip
_PROGRAMS = ("/bin", "/usr/bin", "/usr/libexec", "/usr/local/bin", "/opt", "/etc/libreoffice")
_SITES = ("site-packages", "dist-packages")


def of_libraries() -> list[Path]:
    """The folders of Python and of the packages that are loaded or can be.

    A folder on the path that holds more than packages, such as the one of a checkout with its
    settings, is not among them: only its packages that are loaded already.
    """
    installed = [sysconfig.get_path(name) for name in ("stdlib", "platstdlib")]
    entries = [entry for entry in sys.path if entry.startswith("/")]
    installed += [entry for entry in entries if entry.endswith((*_SITES, ".zip"))]
    roots = tuple(f"{each}/" for each in installed)
    loaded = {os.path.realpath(each) for each in _loaded() if not each.startswith(roots)}
    shared = Path(sys.base_prefix) / "lib"
    linked = shared.glob("*.so*") if str(shared) not in _SYSTEM else ()
    return [each for each in map(Path, (*installed, *linked, *sorted(loaded))) if each.exists()]


def of_the_system(tessdata: str | None) -> list[Path]:
    """Shared libraries, fonts, time zones and tesseract's data.

    Args:
        tessdata: the folder of tesseract's data, where it is named.
    """
    named = [tessdata, os.environ.get("TESSDATA_PREFIX")]
    named += os.environ.get("LD_LIBRARY_PATH", "").split(":")
    return [Path(each) for each in (*_SYSTEM, *named) if each and Path(each).is_absolute()]


def of_programs() -> list[Path]:
    """Where programs lie that a conversion starts."""
    found = os.environ.get("PATH", "").split(":")
    return [Path(each) for each in (*_PROGRAMS, *found) if each and Path(each).is_absolute()]


def by_anybody(path: Path) -> bool:
    """Whether any user of the machine may read what lies in a folder."""
    try:
        parents = all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)
        mode = path.stat().st_mode
    except OSError:
        return False
    needed = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) else 0)
    return parents and mode & needed == needed


def _loaded() -> Iterator[str]:
    """The folders of the packages that are loaded, and the modules that are in none."""
    for name, module in sys.modules.items():
        if "." in name:
            continue
        folders = getattr(module, "__path__", None)
        source = getattr(module, "__file__", None)
        if folders is not None:
            yield from folders
        elif source is not None:
            yield source
