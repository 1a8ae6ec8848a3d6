"""Changes an environment's schema by a release's own migrations.

`python -m deployments.releases.schema_steps expand | back REVISION | contract REVISION` prints what
was done as JSON, or the error with its remedy and exit code 3. It is run in the release's code:
only that knows its migrations, and the way back from them.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Any

from pipeline.errors import NavigatorError
from pipeline.failpoints import failpoint
from pipeline.settings import load_settings
from pipeline.store import schema_changes
from stages.services import database_addresses

FAILED = 3


def main(arguments: Sequence[str]) -> int:
    """Do one step; the exit code."""
    try:
        told = _done(*arguments)
    except NavigatorError as error:
        told = {"error": error.message, "remedy": error.remedy}
    sys.stdout.write(json.dumps(told))
    return FAILED if "error" in told else 0


def _done(step: str, revision: str = "") -> dict[str, Any]:
    addresses = asyncio.run(database_addresses(load_settings()))
    if step == "back":
        schema_changes.go_back(addresses, revision)
    elif step == "contract":
        return {"contractions": schema_changes.contract(addresses, revision)}
    elif step == "expand":
        failpoint("deploy-before-migrate")
        schema_changes.expand(addresses)
        failpoint("deploy-after-migrate")
    return {"revision": schema_changes.revision_of(addresses)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
