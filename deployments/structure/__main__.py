"""Writes the declared structure of the newest schema: `python -m deployments.structure`."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from deployments.structure.building import build_structure
from deployments.structure.declared import FOLDER
from pipeline.store.embedded import start_embedded, stop_embedded
from pipeline.store.migrating import head_revision


def main() -> None:
    """Migrate an empty Postgres of its own, read it, and write what was read."""
    with tempfile.TemporaryDirectory(prefix="nav-") as folder:
        data = Path(folder) / "postgres"
        try:
            built = asyncio.run(build_structure(start_embedded(data)))
        finally:
            stop_embedded(data)
    path = FOLDER / f"{head_revision()}.json"
    path.write_text(json.dumps(built.as_json(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    sys.stdout.write(f"{path}: {len(built.facts)} objects\n")


if __name__ == "__main__":
    main()
