"""Prints what a release's code says of itself (`python -m deployments.releases.facts`).

It runs in the release's own code, so that what it says is true of that, and so that a release
whose modules do not even load is never made.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from typing import Any


def facts() -> dict[str, Any]:
    """Version, schema, suites, pipeline and deployments of this code."""
    from checks.suites import SUITES
    from deployments.environment_files import load_environment
    from deployments.rendering import prefect_file
    from pipeline.chunking.options import chunker_version
    from pipeline.settings import Settings
    from pipeline.store.migrating import head_revision
    from pipeline.store.schema_changes import contractions
    from stages.parsers import parser_version
    from stages.services import chunker_of_settings

    settings = Settings(_env_file=None)
    rendered = json.dumps(prefect_file(load_environment("local")), sort_keys=True, default=str)
    return {
        "schema_revision": head_revision(),
        "contractions": [each.name for each in contractions()],
        "suites": {suite.name: suite.version for suite in SUITES},
        "pipeline": {
            "parser": parser_version(settings, None),
            "chunker": chunker_version(*chunker_of_settings(settings)),
        },
        "deployments_sha256": hashlib.sha256(rendered.encode()).hexdigest(),
        "python": platform.python_version(),
    }


def _load_everything() -> None:
    """Import what runs in an environment: a release with a module that does not load is none."""
    import flows.backfill
    import flows.ingest
    import flows.maintain
    import flows.quality_report  # noqa: F401


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts()))
