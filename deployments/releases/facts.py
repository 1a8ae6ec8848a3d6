"""Prints what a release's code says of itself (`python -m deployments.releases.facts`).

It runs in the release's own code, so that what it says is true of that, and so that a release
whose modules do not even load is never made.
"""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from importlib import import_module
from typing import Any


def facts() -> dict[str, Any]:
    """Schema, suites, pipeline and deployments of this code.

    Raises:
        ImportError, SyntaxError: a flow's module does not load.
    """
    from checks.suites import SUITES
    from deployments.environment_files import LOCAL, load_environment
    from deployments.rendering import prefect_file
    from pipeline.chunking.options import CHUNKER_NAME
    from pipeline.parsing.local import PARSER
    from pipeline.store.migrating import head_revision
    from pipeline.store.schema_changes import contractions

    declared = load_environment(LOCAL)
    for each in declared.deployments.values():
        import_module(f"flows.{each.flow}")
    rendered = json.dumps(prefect_file(declared), sort_keys=True, default=str)
    return {
        "schema_revision": head_revision(),
        "contractions": [each.name for each in contractions()],
        "suites": {suite.name: suite.version for suite in SUITES},
        "pipeline": {"parser": PARSER, "chunker": CHUNKER_NAME},
        "deployments_sha256": hashlib.sha256(rendered.encode()).hexdigest(),
        "python": platform.python_version(),
    }


if __name__ == "__main__":
    sys.stdout.write(json.dumps(facts()))
