"""Renders the job template of an environment's work pool: what each run's container is.

`worker_templates/` holds what Prefect's own worker packages give a new pool (prefect-docker 0.7.4,
prefect-kubernetes 0.8.0); here stands what is different for us. The image is the deployment's, by
the digest of its release, so that a pool has none. Secrets are references: no value is in a
template.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from deployments.environment import PREFECT_AUTH, Environment, SecretReference
from deployments.environment_variables import plain_variables, variable_named
from pipeline.env_files import HOME
from pipeline.errors import ConfigurationError

_TEMPLATES = Path(__file__).parent / "worker_templates"
_OF_THE_API = frozenset({"jwt_secret", "jwt_previous_secret", "signing_secret", "metrics_token"})
"""Secrets that no run needs. Prefect's password comes from the worker."""
HOME_FOLDER = "/data"
"""NAVIGATOR_HOME in the image; it lasts as long as the run."""
PREFECT_FOLDER = f"{HOME_FOLDER}/prefect"
USER = 10001
"""In the image; docker takes it from there."""
_MEBIBYTES = {"Mi": 1, "Gi": 1024}


def job_template(environment: Environment) -> dict[str, Any]:
    """The base job template of the environment's pool; empty for processes, whose worker has it.

    Raises:
        ConfigurationError: a secret is where a run's container could not have it from.
    """
    if environment.pool.type == "docker":
        return _docker(environment)
    if environment.pool.type == "kubernetes":
        return _kubernetes(environment)
    return {}


def run_secrets(environment: Environment) -> dict[str, SecretReference]:
    """The secrets that runs need, by their variables."""
    return {
        variable_named(name): reference
        for name, reference in environment.secrets.items()
        if name not in {*_OF_THE_API, PREFECT_AUTH}
    }


@cache
def _text_of(kind: str) -> str:
    return (_TEMPLATES / f"{kind}.json").read_text("utf-8")


def _template(kind: str) -> dict[str, Any]:
    """Prefect's template, where a run without an image is refused rather than given Prefect's."""
    made: dict[str, Any] = json.loads(_text_of(kind))
    image = {"title": "Image", "type": "string", "description": "By the digest of its release."}
    made["variables"]["properties"]["image"] = image
    made["variables"]["required"] = ["image"]
    return made


def _docker(environment: Environment) -> dict[str, Any]:
    made, resources = _template("docker"), environment.pool.resources
    configuration, variables = made["job_configuration"], made["variables"]["properties"]
    # A mapping is added to by the pool's and the deployment's own `env`; Prefect fills in what
    # stands in braces where the run's worker is.
    configuration["env"] = _run_variables(environment) | {
        variable: _placeholder(variable, reference)
        for variable, reference in run_secrets(environment).items()
    }
    _set(variables, auto_remove=True, image_pull_policy="IfNotPresent")
    _set(variables, mem_limit=f"{_mebibytes(resources.memory)}m")
    _set(variables, memswap_limit=f"{_mebibytes(resources.memory)}m")
    if environment.pool.network is not None:
        _set(variables, networks=[environment.pool.network])
    _set(
        variables,
        container_create_kwargs={
            "nano_cpus": round(_cores(resources.cpu) * 1_000_000_000),
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": True,
            "tmpfs": {"/tmp": "rw,noexec,nosuid,size=1g"},  # noqa: S108  (inside)
            "init": True,
        },
    )
    return made


def _kubernetes(environment: Environment) -> dict[str, Any]:
    made, pool = _template("kubernetes"), environment.pool
    variables = made["variables"]["properties"]
    _set(variables, namespace=pool.namespace, service_account_name=pool.service_account)
    _set(variables, cpu_request=pool.resources.cpu, cpu_limit=pool.resources.cpu)
    _set(variables, memory_request=pool.resources.memory, memory_limit=pool.resources.memory)
    _set(variables, finished_job_ttl=3600, labels=RUN_LABELS)
    # Prefect's worker would hand its own folder on.
    made["job_configuration"]["env"] = {"PREFECT_HOME": PREFECT_FOLDER}
    job = made["job_configuration"]["job_manifest"]["spec"]
    pod = job["template"]["spec"]
    # Prefect's template has these in the pod, where they mean nothing.
    job |= {name: pod.pop(name) for name in ("completions", "parallelism")}
    pod |= {
        "automountServiceAccountToken": False,
        "securityContext": POD_SECURITY,
        "volumes": [{"name": name, "emptyDir": {}} for name in ("data", "tmp")],
    }
    [container] = pod["containers"]
    container |= {
        "env": [
            {"name": HOME, "value": HOME_FOLDER},
            *(_key_reference(environment, each) for each in run_secrets(environment)),
        ],
        "envFrom": [{"configMapRef": {"name": environment.kubernetes.config_map}}],
        "securityContext": CONTAINER_SECURITY,
        "volumeMounts": [
            {"name": "data", "mountPath": HOME_FOLDER},
            {"name": "tmp", "mountPath": "/tmp"},  # noqa: S108  (inside)
        ],
    }
    return made


RUN_LABELS = {
    "app.kubernetes.io/name": "insurance-navigator",
    "app.kubernetes.io/component": "run",
}
"""By which network policies know a run's pod."""
POD_SECURITY: dict[str, Any] = {
    "runAsNonRoot": True,
    "runAsUser": USER,
    "runAsGroup": USER,
    "fsGroup": USER,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY: dict[str, Any] = {
    "allowPrivilegeEscalation": False,
    "readOnlyRootFilesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def _key_reference(environment: Environment, variable: str) -> dict[str, Any]:
    key = {"name": environment.kubernetes.secret, "key": variable}
    return {"name": variable, "valueFrom": {"secretKeyRef": key}}


def _run_variables(environment: Environment) -> dict[str, str]:
    folders = {HOME: HOME_FOLDER, "PREFECT_HOME": PREFECT_FOLDER}
    made = plain_variables(environment) | folders
    del made["PREFECT_API_URL"]  # as the worker reaches it, which Prefect hands on
    return made


def _placeholder(variable: str, reference: SecretReference) -> str:
    """What Prefect's worker replaces by the secret when it starts a run's container."""
    if reference.env is not None:
        return "{{ $" + reference.env + " }}"
    if reference.prefect_secret is not None:
        return "{{ prefect.blocks.secret." + reference.prefect_secret + " }}"
    raise ConfigurationError(
        f"A container of a docker pool cannot have {variable} from a file.",
        remedy="Name a variable of the worker (env) or a Prefect secret block in the environment.",
    )


def _set(variables: dict[str, Any], **defaults: Any) -> None:
    for name, value in defaults.items():
        variables[name]["default"] = value


def _mebibytes(memory: str) -> int:
    return int(memory[:-2]) * _MEBIBYTES[memory[-2:]]


def _cores(cpu: str) -> float:
    return int(cpu[:-1]) / 1000 if cpu.endswith("m") else float(cpu)
