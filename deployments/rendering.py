"""Renders prefect.yaml from an environment (`python -m deployments.rendering`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deployments.environment import Environment, FlowDeployment, Schedule
from deployments.environment_files import LOCAL, load_environment

TAG = "navigator"
"""Every deployment of ours has it on the Prefect server."""

_PULL: list[dict[str, Any]] = [{"deployments.code.installed": {}}]
_WIDTH = 88
_LONG = 80
_NONE = "deployments: []\n"
_HEAD = """\
# Deployments of Insurance Navigator; docs/deployment.md says how to use them.
# Written by `python -m deployments.rendering` from the environment {name} and what it extends:
# change deployments/environments/, where the comments say why each limit and schedule is as it is.
# `prefect deploy` passes over keys that it does not know; tests/deployments checks them.
"""
_PULL_HEAD = """\
# The worker's own installation says where the code is; nothing of the deployer's machine is kept.
"""


def prefect_file(
    environment: Environment,
    release: str | None = None,
    job_variables: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What `prefect deploy` reads to deploy an environment.

    Args:
        release: its id; every deployment has it as its version.
        job_variables: what every run's job has beside the pool's: the image of the release.
    """
    return {
        "name": "insurance-navigator",
        "pull": [dict(step) for step in _PULL],
        "deployments": [
            _deployment(environment, name, each, release, job_variables or {})
            for name, each in environment.deployments.items()
        ],
    }


def _deployment(
    environment: Environment,
    name: str,
    each: FlowDeployment,
    release: str | None,
    job_variables: Mapping[str, Any],
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "name": name,
        "entrypoint": each.entrypoint,
        "description": each.description.strip(),
        "tags": [TAG, *each.tags],
        "parameters": dict(each.parameters),
        "enforce_parameter_schema": True,
        "work_pool": {
            "name": environment.pool.name,
            "work_queue_name": each.queue,
            "job_variables": dict(job_variables),
        },
        "concurrency_limit": {"limit": each.limit, "collision_strategy": each.collision},
    }
    if each.schedules:
        made["schedules"] = [_schedule(slug, when) for slug, when in each.schedules.items()]
    if not each.enabled:
        made["paused"] = True
    if release is not None:
        made["version"] = release
    return made


def _schedule(slug: str, when: Schedule) -> dict[str, Any]:
    cron_or_interval = {"interval": when.interval} if when.cron is None else {"cron": when.cron}
    return {"slug": slug, **cron_or_interval, "timezone": when.timezone, "active": when.active}


def prefect_text(
    environment: Environment,
    release: str | None = None,
    job_variables: Mapping[str, Any] | None = None,
) -> str:
    """The same as the text of a file, one paragraph for each deployment."""
    made = prefect_file(environment, release, job_variables)
    return "\n".join(_paragraphs(environment.name, made))


def _paragraphs(name: str, made: Mapping[str, Any]) -> Iterator[str]:
    yield f"{_HEAD.format(name=name)}name: {made['name']}\n"
    yield _PULL_HEAD + _written("pull", made["pull"])
    first, *others = [_written("deployments", [each]) for each in made["deployments"]] or [_NONE]
    yield first
    yield from (each.removeprefix("deployments:\n") for each in others)


def _written(key: str, value: list[dict[str, Any]]) -> str:
    """Block style outside and flow style inside, as a person would write it."""
    return yaml.dump(
        {key: value},
        Dumper=_Indented,
        sort_keys=False,
        width=_WIDTH,
        allow_unicode=True,
        default_flow_style=None,
    )


class _Indented(yaml.SafeDumper):
    """Indents the items of a list below its key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


def _sentences(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = ">" if len(text) > _LONG else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Indented.add_representer(str, _sentences)


if __name__ == "__main__":
    path = Path(__file__).resolve().parents[1] / "prefect.yaml"
    path.write_text(prefect_text(load_environment(LOCAL)), "utf-8")
