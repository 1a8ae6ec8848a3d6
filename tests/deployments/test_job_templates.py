"""Job templates of work pools: what a run's container gets, and what it does not."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import prefect
import pytest

from deployments.environment import Environment
from deployments.job_templates import CONTAINER_SECURITY, POD_SECURITY, job_template
from pipeline.errors import ConfigurationError
from tests.deployments.test_kubernetes import invalid
from tests.environments import interpreter

ROOT = Path(__file__).resolve().parents[2]
LOCK = ROOT / "tests" / "worker-packages.lock"
IMAGE = "registry.example.com/insurance-navigator"
DIGEST = f"{IMAGE}@sha256:{'a' * 64}"
SECRETS = {
    "database_url": {"env": "STAGING_DATABASE_URL"},
    "openai_api_key": {"prefect_secret": "openai"},
    "jwt_secret": {"env": "STAGING_JWT"},
    "prefect_auth": {"env": "STAGING_PREFECT"},
}


def environment(kind: str, **keys: Any) -> Environment:
    """One with a pool of this type, settings and secrets."""
    pool = {"type": kind, "image": IMAGE, "resources": {"cpu": "1500m", "memory": "3Gi"}}
    return Environment.model_validate(
        {
            "name": "staging",
            "prefect": {"api_url": "https://prefect.example.com/api"},
            "pool": {**pool, "network": "navigator"} if kind == "docker" else pool,
            "settings": {"storage_url": "s3://staging", "ocr": True},
            "secrets": SECRETS,
            **keys,
        }
    )


def test_processes_need_no_template() -> None:
    """Prefect's own process worker brings it."""
    assert job_template(environment("process")) == {}


@pytest.mark.parametrize("kind", ["docker", "kubernetes"])
def test_a_template_holds_no_secret_and_no_image(kind: str, monkeypatch: Any) -> None:
    """Secrets are references; a run whose deployment names no image is refused by the server."""
    monkeypatch.setenv("STAGING_DATABASE_URL", "postgresql://canary")
    made = job_template(environment(kind))
    assert "canary" not in json.dumps(made)
    assert made["variables"]["required"] == ["image"]
    assert "default" not in made["variables"]["properties"]["image"]
    assert "STAGING_JWT" not in json.dumps(made) and "STAGING_PREFECT" not in json.dumps(made)


def test_a_docker_runs_secrets_are_filled_in_by_its_worker() -> None:
    """By a variable of the worker, or by a secret block of the server."""
    env = job_template(environment("docker"))["job_configuration"]["env"]
    assert env["DATABASE_URL"] == "{{ $STAGING_DATABASE_URL }}"
    assert env["OPENAI_API_KEY"] == "{{ prefect.blocks.secret.openai }}"
    assert env["NAVIGATOR_STORAGE_URL"] == "s3://staging"
    assert "PREFECT_API_URL" not in env


def test_a_file_cannot_be_a_docker_runs_secret() -> None:
    """A file of the worker's machine is not in the container, which is told when it is deployed."""
    made = environment("docker", secrets={"database_url": {"file": "/run/secrets/database"}})
    with pytest.raises(ConfigurationError, match="cannot have DATABASE_URL from a file"):
        job_template(made)


def job(kind: str, tmp_path: Path, made: Environment, **variables: Any) -> dict[str, Any]:
    """The job that Prefect's own worker makes of the template."""
    given = {
        **os.environ,
        # Prefect itself is the one that we have; only the two packages and theirs are installed.
        "PYTHONPATH": str(Path(prefect.__file__).parents[1]),
        "PREFECT_HOME": str(tmp_path),
        "PREFECT_API_URL": "http://127.0.0.1:1/api",
        "STAGING_DATABASE_URL": "postgresql://of-the-worker",
    }
    done = subprocess.run(
        [interpreter(LOCK), Path(__file__).with_name("job_in_worker.py"), kind,
         json.dumps({"image": DIGEST, **variables})],
        input=json.dumps(job_template(made)), env=given, capture_output=True, text=True,
        timeout=170,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.long
def test_prefects_docker_worker_makes_the_container(tmp_path: Path) -> None:
    """Image by digest, settings and secrets, limits, and no more rights than it needs."""
    secrets = {name: each for name, each in SECRETS.items() if "env" in each}
    made = job("docker", tmp_path, environment("docker", secrets=secrets), env={"EXTRA": "1"})
    assert made["image"] == DIGEST and made["command"] == "prefect flow-run execute"
    assert (
        made["env"].items()
        >= {
            "DATABASE_URL": "postgresql://of-the-worker",
            "NAVIGATOR_OCR": "true",
            "NAVIGATOR_HOME": "/data",
            "PREFECT_HOME": "/data/prefect",
            "EXTRA": "1",
        }.items()
    )
    assert (made["mem_limit"], made["memswap_limit"]) == ("3072m", "3072m")
    assert made["networks"] == ["navigator"] and made["auto_remove"]
    assert made["container_create_kwargs"]["nano_cpus"] == 1_500_000_000
    assert made["container_create_kwargs"]["read_only"] and not made["privileged"]


@pytest.mark.long
def test_prefects_kubernetes_worker_makes_the_job(tmp_path: Path) -> None:
    """A valid Job: image by digest, config map and keys of the secret, resources, no rights."""
    made = job("kubernetes", tmp_path, environment("kubernetes"), env={"EXTRA": "1"})
    manifest = made["job_manifest"]
    assert invalid([manifest]) == ""
    pod = manifest["spec"]["template"]["spec"]
    [container] = pod["containers"]
    assert container["image"] == DIGEST
    assert container["args"] == ["prefect", "flow-run", "execute"]
    env = {each["name"]: each for each in container["env"]}
    key = {"name": "navigator-secrets", "key": "DATABASE_URL"}
    assert env["DATABASE_URL"]["valueFrom"] == {"secretKeyRef": key}
    assert env["PREFECT_HOME"]["value"] == "/data/prefect" and env["EXTRA"]["value"] == "1"
    assert container["envFrom"] == [{"configMapRef": {"name": "navigator-settings"}}]
    amounts = {"cpu": "1500m", "memory": "3Gi"}
    assert container["resources"] == {"limits": amounts, "requests": amounts}
    assert container["securityContext"] == CONTAINER_SECURITY
    assert pod["securityContext"] == POD_SECURITY
    assert pod["automountServiceAccountToken"] is False
    labels = manifest["spec"]["template"]["metadata"]["labels"]
    assert labels["app.kubernetes.io/component"] == "run"
