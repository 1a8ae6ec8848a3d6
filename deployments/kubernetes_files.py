"""Writes the overlays of Kubernetes from environments (`python -m deployments.kubernetes_files`).

For each folder in deployments/kubernetes/overlays: `settings.yaml`, the config maps, and
`patches.yaml`, which pods get which secret, hosts and numbers. No secret's value is in them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from deployments.environment import Environment
from deployments.environment_files import FOLDER_VARIABLE, load_environment
from deployments.environment_keys import as_yaml
from deployments.environment_variables import plain_variables, variable_named
from pipeline.settings import Settings

OVERLAYS = Path(__file__).parent / "kubernetes" / "overlays"
MOUNTED = "/etc/insurance-navigator/environments"
"""Where pods find the environment's file, for drift and verification."""
_HEAD = """\
# Written by `python -m deployments.kubernetes_files` from the environment {name}; change it there.
"""
_PREFECT = "http://prefect:4200/api"
"""Prefect's server as pods reach it."""
_PLAIN_HOSTS = "plain_hosts"
_IN_THE_CLUSTER = (
    # TLS ends at the ingress: our pods and Prefect's server speak plainly to each other.
    {variable_named(_PLAIN_HOSTS): "prefect 0.0.0.0"}
    if _PLAIN_HOSTS in Settings.model_fields
    else {}
)
_OWNER = "database_owner_url"
_ONLY_API = frozenset({"jwt_secret", "jwt_previous_secret", "signing_secret", "metrics_token"})
_DAY_SECONDS = 24 * 3600


def overlay_names() -> list[str]:
    """The environments that have an overlay."""
    return sorted(path.name for path in OVERLAYS.iterdir() if path.is_dir())


def resources(environment: Environment) -> list[dict[str, Any]]:
    """The config maps: settings of our pods, of Prefect's server, and the environment's file."""
    names = environment.kubernetes
    settings = plain_variables(environment) | {
        "PREFECT_API_URL": _PREFECT,
        FOLDER_VARIABLE: MOUNTED,
    }
    return [
        _config_map(names.config_map, settings),
        _config_map("prefect-settings", _of_prefect(environment)),
        _config_map("navigator-environments", {f"{environment.name}.yaml": as_yaml(environment)}),
    ]


def _config_map(name: str, data: dict[str, str]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _of_prefect(environment: Environment) -> dict[str, str]:
    """Variables of Prefect's server, as `navigator up` sets them for one on Postgres."""
    host = environment.kubernetes.prefect_host
    own = f"prefect.{environment.pool.namespace}.svc"
    return {
        "NAVIGATOR_PREFECT_HOSTS": f"127.0.0.1 localhost prefect {own} {host}",
        "PREFECT_UI_API_URL": "/api",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"https://{host}",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_SERVER_SERVICES_SCHEDULER_MIN_SCHEDULED_TIME": "PT3M",
        "PREFECT_SERVER_SERVICES_SCHEDULER_MAX_RUNS": "5",
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": (
            "prefect.server.concurrency.lease_storage.filesystem"
        ),
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
        "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(
            environment.retention.prefect_days * _DAY_SECONDS
        ),
    }


def patches(environment: Environment) -> Iterator[dict[str, Any]]:
    """What the environment changes of the base."""
    for kind, name, container in (
        ("Deployment", "api", "api"),
        ("Deployment", "worker", "worker"),
        ("Deployment", "worker-batches", "worker"),
        ("Job", "migrations", "migrations"),
    ):
        env = [_reference(environment, each) for each in secrets_of(environment, name)]
        yield _pod_patch(kind, name, {"name": container, "env": env})
    for name, host in (
        ("api", environment.kubernetes.host),
        ("prefect", environment.kubernetes.prefect_host),
    ):
        yield _ingress(name, host)
    yield _autoscaler(environment)


def secrets_of(environment: Environment, pod: str) -> list[str]:
    """The environment's secrets that a pod needs, and no others, by their settings' names."""
    given = environment.secrets
    if pod == "migrations":
        return [name for name in given if name in ("database_url", _OWNER, "database_reader_url")]
    left_out = {_OWNER} if pod == "api" else _ONLY_API
    return [name for name in given if name not in left_out]


def _reference(environment: Environment, name: str) -> dict[str, Any]:
    variable = variable_named(name)
    key = {"name": environment.kubernetes.secret, "key": variable}
    return {"name": variable, "valueFrom": {"secretKeyRef": key}}


def _pod_patch(kind: str, name: str, container: dict[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "batch/v1" if kind == "Job" else "apps/v1",
        "kind": kind,
        "metadata": {"name": name},
        "spec": {"template": {"spec": {"containers": [container]}}},
    }


def _ingress(name: str, host: str) -> dict[str, Any]:
    backend = {"service": {"name": name, "port": {"name": "http"}}}
    path = {"path": "/", "pathType": "Prefix", "backend": backend}
    secret = "navigator-tls" if name == "api" else f"{name}-tls"
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name},
        "spec": {
            "tls": [{"hosts": [host], "secretName": secret}],
            "rules": [{"host": host, "http": {"paths": [path]}}],
        },
    }


def _autoscaler(environment: Environment) -> dict[str, Any]:
    """An external metric's own list is replaced whole."""
    scaling = environment.kubernetes
    external = {
        "metric": {"name": "navigator_queue_jobs"},
        "target": {"type": "AverageValue", "averageValue": str(scaling.jobs_per_worker)},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "worker-batches"},
        "spec": {
            "minReplicas": scaling.workers.minimum,
            "maxReplicas": scaling.workers.maximum,
            "metrics": [{"type": "External", "external": external}],
        },
    }


def written(environment: Environment) -> dict[str, str]:
    """The files of the environment's overlay that are rendered, by their names."""
    head = _HEAD.format(name=environment.name)
    return {
        "settings.yaml": head + _documents(resources(environment)),
        "patches.yaml": head + _documents(patches(environment)),
    }


class _Readable(yaml.SafeDumper):
    """Writes a text of several lines as such."""


def _lines(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _lines)


def _documents(made: Iterable[dict[str, Any]]) -> str:
    return yaml.dump_all(made, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=100)


if __name__ == "__main__":
    for overlay in overlay_names():
        for file, text in written(load_environment(overlay)).items():
            (OVERLAYS / overlay / file).write_text(text, "utf-8")
