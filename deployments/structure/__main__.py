"""Writes the declared structure: `python -m deployments.structure`.

That is the newest schema's file, and beside each contraction what it changes of it.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from deployments.structure.building import build_changes, build_structure
from deployments.structure.declared import FOLDER
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.migrating import MIGRATIONS, head_revision


def main() -> None:
    """Migrate an empty Postgres of its own, contract it, and write what was read each time."""
    with tempfile.TemporaryDirectory(prefix="nav-") as folder:
        data = Path(folder) / "postgres"
        try:
            url = start_embedded(data)
            built = asyncio.run(build_structure(url))
            changes = asyncio.run(build_changes(url))
        finally:
            stop_embedded(data)
    _write(FOLDER / f"{head_revision()}.json", built.as_json())
    for name, change in changes.items():
        _write(MIGRATIONS / "contractions" / f"{name}.json", change.as_json())


def _write(path: Path, told: dict[str, Any]) -> None:
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
