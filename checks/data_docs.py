"""Writes a Great Expectations project with our suites, and its Data Docs site."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from checks.gx_suite_file import suite_json
from checks.rules import Suite


def write_data_docs(suites: Iterable[Suite], folder: Path) -> Path:
    """Write the project ``gx/`` into a folder, or renew it; the site's first page."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    warnings.filterwarnings("ignore", module=r"great_expectations(\.|$)")
    import great_expectations as gx

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context = gx.get_context(mode="file", project_root_dir=str(folder))
    for suite in suites:
        written = suite_json(suite)
        context.suites.add_or_update(gx.ExpectationSuite(**written))
    address = context.build_data_docs()["local_site"]
    return Path(unquote(urlsplit(address).path))
