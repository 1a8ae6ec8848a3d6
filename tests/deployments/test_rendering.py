"""prefect.yaml, written from an environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from deployments.environment import Environment
from deployments.environment_files import LOCAL, environment_names, load_environment
from deployments.rendering import prefect_file, prefect_text
from tests.deployments.test_prefect_yaml import PrefectFile

ROOT = Path(__file__).resolve().parents[2]


def test_the_checked_in_file_is_the_rendered_one() -> None:
    """`prefect deploy --all` deploys what the local environment says, comments included."""
    written = (ROOT / "prefect.yaml").read_text("utf-8")
    assert written == prefect_text(load_environment(LOCAL)), "run `python -m deployments.rendering`"


def test_the_text_says_what_the_file_is() -> None:
    """Text and mapping are the same for every environment, with lines that a person can read."""
    for name in environment_names():
        environment = load_environment(name)
        text = prefect_text(environment, "release-1", {"image": "registry/x@sha256:0"})
        made = prefect_file(environment, "release-1", {"image": "registry/x@sha256:0"})
        assert yaml.safe_load(text) == made
        assert max(map(len, text.splitlines())) <= 100


def changed(**keys: Any) -> Environment:
    """The local environment with other keys of its deployment `ingest`."""
    environment = load_environment(LOCAL)
    ingest = environment.deployments["ingest"].model_copy(update=keys)
    return environment.model_copy(update={"deployments": {"ingest": ingest}})


def test_a_release_is_every_deployments_version() -> None:
    """Prefect shows which release a deployment is of, and what its jobs have beside the pool's."""
    made = prefect_file(load_environment(LOCAL), "release-1", {"image": "x@sha256:0"})
    assert {each["version"] for each in made["deployments"]} == {"release-1"}
    for each in made["deployments"]:
        assert each["work_pool"]["job_variables"] == {"image": "x@sha256:0"}


def test_a_deployment_that_is_not_enabled_is_paused() -> None:
    """It stays on the server, where a person can see it, and starts nothing by itself."""
    [made] = prefect_file(changed(enabled=False))["deployments"]
    assert made["paused"] is True
    [made] = prefect_file(changed())["deployments"]
    assert "paused" not in made


def test_an_environment_without_deployments_is_a_file_too() -> None:
    """What deploys nothing is still read by `prefect deploy`."""
    environment = load_environment(LOCAL).model_copy(update={"deployments": {}})
    assert PrefectFile.model_validate(yaml.safe_load(prefect_text(environment))).deployments == []
